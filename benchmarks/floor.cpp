// What a convolutional layer costs at least: the loop one would write by hand for this one network.
//
// Leaky integrate-and-fire with one exponential current, exact update, a refractory period, and one
// convolution without padding at stride 1. Everything is a constant of the compiler that can be one:
//     g++ -O3 -march=native -DREAL=double -DSIZE=128 -DKERNEL=5 -DMAPS=16 -DSTEPS_HELD=20
//         -DSTEPS_DELAY=10 -DPLASTIC=0 floor.cpp -o floor
//     ./floor numbers.bin kernel.bin spikes.bin segments... > json
// With -DPLASTIC=1 the kernel learns by pair STDP, each place changing it in turn.
// Neurons lie (row, column, map). numbers.bin, as float64: p_v, p_i, p_current, offset, threshold,
// reset, rest, weight, a_plus, a_minus, and the factors by which the traces fall in a step; kernel.bin: float64 (in, row, column reversed, out); spikes.bin: int32, the offset of
// each step in the list and then the list; segments: lengths in steps, timed one by one.
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <vector>
#ifdef __SSE__
#include <immintrin.h>
#endif

typedef REAL Real;
// One lane of a comparison, as wide as a number, so that a vector of one is a vector of the other.
typedef std::conditional<sizeof(Real) == 8, int64_t, int32_t>::type Lane;
typedef std::make_unsigned<Lane>::type Word;

const int CHANNELS = 2, OUT = SIZE - KERNEL + 1, ROW = OUT * MAPS, N = OUT * ROW;
const int BITS = 8 * sizeof(Word), WORDS = (N + BITS - 1) / BITS;

static double cpu_seconds() {
    timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec + 1e-9 * now.tv_nsec;
}

template <class T> static std::vector<T> file(const char *name) {
    FILE *stream = fopen(name, "rb");
    if (!stream) { perror(name); exit(1); }
    fseek(stream, 0, SEEK_END);
    std::vector<T> values(ftell(stream) / sizeof(T));
    rewind(stream);
    if (fread(values.data(), sizeof(T), values.size(), stream) != values.size()) exit(1);
    fclose(stream);
    return values;
}

template <class T> static T *aligned(size_t size, T value) {
    T *array = (T *)aligned_alloc(64, (size * sizeof(T) + 63) / 64 * 64);
    std::fill(array, array + size, value);
    return array;
}

struct Layer {
    Real p_v, p_i, p_current, offset, threshold, reset, rest, weight, a_plus, a_minus, fall_x, fall_y;
    Real *v, *current, *x, *y;
    std::vector<Real> weights;
    std::vector<Word> held;                       // one bit a neuron
    std::vector<std::vector<int32_t>> release;    // who is let go, by step
    std::vector<int32_t> fired, counts;

    void update(int step) {
        for (int32_t i : release[step % (STEPS_HELD + 1)]) held[i / BITS] &= ~(Word(1) << i % BITS);
        release[step % (STEPS_HELD + 1)].clear();
        fired.clear();
        for (int first = 0; first < N; first += BITS) {
            // The arrays are longer than the layer by what fills the last word.
            const Word bits = held[first / BITS];
            Real *__restrict V = v + first, *__restrict I = current + first;
            Lane above = 0;
#pragma GCC ivdep
            for (Lane k = 0; k < BITS; k++) {
                Real next = offset + p_v * V[k] + p_i * I[k];
                next = Lane(bits << (BITS - 1 - k)) < 0 ? V[k] : next;
                I[k] *= p_current;
                if (PLASTIC) y[first + k] *= fall_y;
                V[k] = next;
                above |= Lane(next >= threshold ? 1 : 0) << k;
            }
            for (Word who = Word(above) & ~bits; who; who &= who - 1)
                fired.push_back(first + __builtin_ctzll(who));
        }
    }

    void reset_fired(int step) {
        for (int32_t i : fired) {
            v[i] = reset;
            counts[i]++;
            held[i / BITS] |= Word(1) << i % BITS;
            release[step % (STEPS_HELD + 1)].push_back(i);  // after STEPS_HELD more steps
        }
    }

    inline __attribute__((always_inline)) void add(
        Real *__restrict to, Real *__restrict from, const Real *__restrict trace, int run) {
        for (int k = 0; k < run; k++) {
            to[k] += PLASTIC ? weight * from[k] : from[k];
            if (PLASTIC) {
                const Real less = from[k] - a_minus * trace[k];
                from[k] = less < 0 ? 0 : less > 1 ? 1 : less;
            }
        }
    }

    // Every neuron that fires strengthens what its receptive field has seen.
    void learn() {
        for (int32_t i : fired) {
            const int m = i % MAPS, column = i / MAPS % OUT, row = i / ROW;
            for (int ky = 0; ky < KERNEL; ky++)
                for (int kx = 0; kx < KERNEL; kx++)
                    for (int c = 0; c < CHANNELS; c++) {
                        Real &w = weights[((c * KERNEL + ky) * KERNEL + KERNEL - 1 - kx) * MAPS + m];
                        const Real more =
                            w + a_plus * x[((row + ky) * SIZE + column + kx) * CHANNELS + c];
                        w = more < 0 ? 0 : more > 1 ? 1 : more;
                    }
        }
        for (int32_t i : fired) y[i] += 1;
    }

    void deliver(const int32_t *spike, const int32_t *end) {
        for (; spike < end; spike++) {
            const int c = *spike % CHANNELS, column = *spike / CHANNELS % SIZE;
            const int y0 = *spike / (CHANNELS * SIZE);
            const int x0 = std::max(column - KERNEL + 1, 0), x1 = std::min(column, OUT - 1);
            const int run = (x1 - x0 + 1) * MAPS;
            for (int ky = std::max(0, y0 - OUT + 1); ky < KERNEL && ky <= y0; ky++) {
                Real *__restrict from =
                    &weights[((c * KERNEL + ky) * KERNEL + KERNEL - 1 - (column - x0)) * MAPS];
                Real *__restrict to = current + (y0 - ky) * ROW + x0 * MAPS;
                Real *__restrict trace = PLASTIC ? y + (y0 - ky) * ROW + x0 * MAPS : 0;
                if (run == KERNEL * MAPS) add(to, from, trace, KERNEL * MAPS);
                else add(to, from, trace, run);
            }
        }
    }
};

int main(int argc, char **argv) {
#ifdef __SSE__
    _mm_setcsr(_mm_getcsr() | 0x8040);  // what decays to nothing is nothing
#endif
    const std::vector<double> numbers = file<double>(argv[1]), kernel = file<double>(argv[2]);
    const std::vector<int32_t> spikes = file<int32_t>(argv[3]);
    Layer layer = {Real(numbers[0]), Real(numbers[1]), Real(numbers[2]),
                   Real(numbers[3]), Real(numbers[4]), Real(numbers[5]), Real(numbers[6]),
                   Real(numbers[7]), Real(numbers[8]), Real(numbers[9]), Real(numbers[10]),
                   Real(numbers[11])};
    layer.v = aligned<Real>(WORDS * BITS, Real(numbers[6]));
    layer.current = aligned<Real>(WORDS * BITS, 0);
    layer.x = aligned<Real>(CHANNELS * SIZE * SIZE, 0);
    layer.y = aligned<Real>(PLASTIC ? WORDS * BITS : 64, 0);
    layer.weights.assign(kernel.begin(), kernel.end());
    layer.held.assign(WORDS, 0);
    layer.release.resize(STEPS_HELD + 1);
    layer.counts.assign(N, 0);
    int steps = 0;
    for (int k = 4; k < argc; k++) steps += atoi(argv[k]);
    const int32_t *offsets = spikes.data(), *list = offsets + steps + 1;
    printf("{\"cpu_s\": [");
    for (int k = 4, step = 0; k < argc; k++) {
        const double begin = cpu_seconds();
        for (const int end = step + atoi(argv[k]); step < end; step++) {
            layer.update(step);
            const int from = step - STEPS_DELAY;
            if (PLASTIC)
                for (int i = 0; i < CHANNELS * SIZE * SIZE; i++) layer.x[i] *= layer.fall_x;
            if (from >= 0) {
                layer.deliver(list + offsets[from], list + offsets[from + 1]);
                if (PLASTIC)
                    for (int k = offsets[from]; k < offsets[from + 1]; k++) layer.x[list[k]] += 1;
            }
            if (PLASTIC) layer.learn();
            layer.reset_fired(step);
        }
        printf("%s%.9f", k > 4 ? ", " : "", cpu_seconds() - begin);
    }
    FILE *counts = fopen("counts.bin", "wb");
    fwrite(layer.counts.data(), sizeof(int32_t), N, counts);
    fclose(counts);
    char line[256];
    long peak = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) sscanf(line, "VmHWM: %ld", &peak);
    printf("], \"peak_mb\": %.1f}\n", peak / 1024.0);
}
