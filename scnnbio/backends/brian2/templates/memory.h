// How a program gets memory for its arrays: for one of its files alone.
//
// An array is zero when it is new, since the system gives such pages, and those that are never
// written to are never there: no loop over the arrays has to touch them first. It begins where a
// vector may, for a vector that crosses cache lines costs two.
#include <cstdint>
#include <cstdlib>
#include <new>

namespace scnnbio {
const std::size_t LINE = 64;
}

void *operator new[](std::size_t size) {
    // The pointer from the system is stored before the array, to be freed later.
    char *given = static_cast<char *>(std::calloc(size + 2 * scnnbio::LINE, 1));
    if (!given) throw std::bad_alloc();
    char *array = given + 2 * scnnbio::LINE - reinterpret_cast<uintptr_t>(given) % scnnbio::LINE;
    reinterpret_cast<char **>(array)[-1] = given;
    return array;
}
void operator delete[](void *array) noexcept {
    if (array) std::free(static_cast<char **>(array)[-1]);
}
void operator delete[](void *array, std::size_t) noexcept { operator delete[](array); }
