// A convolution that collects for each target what its events bring.
//
// A convolution that goes from event to event reads and writes every target of every event. With many
// events in a step it is faster to go from target to target, and to add up in registers: the events
// within reach of a target are a few runs of the list of events, which is in the order of places.
// Every target gets the same sums in the same order, so that not a bit differs.
//
// A pooling that became part of a kernel repeats each tap in blocks. Where the kernel does not change,
// the repetitions are left out, so that more of it fits into the cache.
#ifndef SCNNBIO_GATHERING_H
#define SCNNBIO_GATHERING_H

#include <cstdint>
#include <cstring>
#include <vector>

namespace scnnbio {

// Sizes as in procedural.Geometry: C, H, W in; O, OH, OW out; KH, KW, SY, SX, PY, PX; FIRST tap.
// FIXED: the kernel does not change.
template <class Real, bool WEIGHTED, bool FIXED, int C, int H, int W, int O, int OH, int OW, int KH, int KW,
          int SY, int SX, int PY, int PX, int FIRST>
class Gathering {
    static const int LANES = 64 / sizeof(Real), WHOLE = O / (4 * LANES) * (4 * LANES);
    typedef Real Aligned __attribute__((vector_size(64)));
    typedef Aligned Vector __attribute__((aligned(sizeof(Real)), may_alias));

    // Index of the first event of each place, and what each event adds to the index of a tap; of that,
    // the part of its column.
    std::vector<int32_t> first, shift, aside;
    // Rows and columns of a block of equal taps, and one tap of each block: the kernel of before if the
    // blocks are single taps.
    int rows = 1, columns = 1;
    const Real *taps = nullptr;
    std::vector<Real> kept;

    // Whether each tap equals the first one of its block.
    static bool repeats(const Real *kernel, int rows, int columns) {
        for (int c = 0; c < C; c++)
            for (int ky = 0; ky < KH; ky++)
                for (int kx = 0; kx < KW; kx++) {
                    const Real *row = kernel + (c * KH + ky) * KW * O;
                    const Real *begin = kernel + (c * KH + ky / rows * rows) * KW * O;
                    if (std::memcmp(row + kx * O, begin + kx / columns * columns * O, O * sizeof(Real)))
                        return false;
                }
        return true;
    }

    void choose(const Real *kernel) {
        taps = kernel;
        if (!FIXED) return;
        // A block begins at the same taps for every target only if strides are whole blocks.
        for (int n = KH; n > 1 && rows == 1; n--)
            if (KH % n == 0 && (OH == 1 || SY % n == 0) && repeats(kernel, n, 1)) rows = n;
        for (int n = KW; n > 1 && columns == 1; n--)
            if (KW % n == 0 && (OW == 1 || SX % n == 0) && repeats(kernel, 1, n)) columns = n;
        if (rows * columns == 1) return;
        for (int row = 0; row < C * KH; row += rows)
            for (int kx = 0; kx < KW; kx += columns)
                kept.insert(kept.end(), kernel + (row * KW + kx) * O, kernel + (row * KW + kx + 1) * O);
        taps = kept.data();
    }

    static Vector load(const Real *from) { return *reinterpret_cast<const Vector *>(from); }
    static Vector brought(const Real *tap, Real weight) {
        return WEIGHTED ? Vector(weight * load(tap)) : load(tap);
    }

    static void add_four(const Real *tap, Real weight, const int32_t *event, const int32_t *end, Real *to) {
        Vector *const sums = reinterpret_cast<Vector *>(to);
        Vector a = sums[0], b = sums[1], c = sums[2], d = sums[3];
        for (; event < end; event++) {
            const Real *at = tap + *event;
            a += brought(at, weight);
            b += brought(at + LANES, weight);
            c += brought(at + 2 * LANES, weight);
            d += brought(at + 3 * LANES, weight);
        }
        sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
    }

    // Of one vector, the last `kept` numbers: the others belong to the vector before it.
    static void add_one(const Real *tap, Real weight, const int32_t *event, const int32_t *end, Real *to,
                        int kept) {
        Vector sum = load(to);
        for (; event < end; event++) sum += brought(tap + *event, weight);
        for (int k = LANES - kept; k < LANES; k++) to[k] = sum[k];
    }

    static void add_few(const Real *tap, Real weight, const int32_t *event, const int32_t *end, Real *to) {
        for (; event < end; event++)
            for (int k = 0; k < O; k++)
                to[k] += WEIGHTED ? weight * tap[*event + k] : tap[*event + k];
    }

    static void add_all(const Real *tap, Real weight, const int32_t *event, const int32_t *end, Real *to) {
        if (O < LANES) {
            add_few(tap, weight, event, end, to);
            return;
        }
        for (int o = 0; o < WHOLE; o += 4 * LANES) add_four(tap + o, weight, event, end, to + o);
        for (int o = WHOLE; o + LANES <= O; o += LANES)
            add_one(tap + o, weight, event, end, to + o, LANES);
        if (O % LANES)
            add_one(tap + O - LANES, weight, event, end, to + O - LANES, O % LANES);
    }

public:
    // Whether it pays for these events; then it is ready for `add`. A run of events costs about as
    // much as a dozen vectors that are added to a target in memory instead of a register.
    bool pays(const Real *kernel, const int32_t *events, int count) {
        if (int64_t(count) * KW * ((O + LANES - 1) / LANES) < int64_t(12) * H * W) return false;
        if (!taps) {
            choose(kernel + FIRST);
            for (int x = 0; x < W; x++) aside.push_back((x + PX) / columns * O);
        }
        const int each = KH / rows * (KW / columns) * O;
        first.resize(H * W + 1);
        if (shift.size() < size_t(count)) shift.resize(count);
        int place = 0;
        for (int e = 0; e < count; e++) {
            const int at = events[e] / C, c = events[e] % C;
            // The list is not in the order of places.
            if (at < place - 1) return false;
            while (place <= at) first[place++] = e;
            shift[e] = c * each - aside[at % W];
        }
        while (place <= H * W) first[place++] = count;
        return true;
    }

    // Adds what the events bring to the targets in the rows from `low` to before `high`.
    void add(Real weight, Real *to, int low, int high) const {
        const int wide = KW / columns;
        for (int oy = low; oy < high; oy++)
            for (int ky = 0; ky < KH; ky++) {
                const int y = oy * SY + ky - PY;
                if (y < 0 || y >= H) continue;
                for (int ox = 0; ox < OW; ox++) {
                    const int x = ox * SX - PX, from = x > 0 ? x : 0, past = x + KW < W ? x + KW : W;
                    if (from >= past) continue;
                    const int32_t *event = shift.data() + first[y * W + from];
                    const int32_t *end = shift.data() + first[y * W + past];
                    if (event == end) continue;
                    const Real *tap = taps + (ky / rows * wide + wide - 1 + ox * SX / columns) * O;
                    add_all(tap, weight, event, end, to + (oy * OW + ox) * O);
                }
            }
    }
};

}  // namespace scnnbio

#endif
