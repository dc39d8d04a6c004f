// Sixteen float32 lanes in plain C: the reference that the vector ones follow bit for bit.
#ifndef RML_GRAPH_CPU_LANES_SCALAR_H
#define RML_GRAPH_CPU_LANES_SCALAR_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define LANES 16
#define MICRO_ROWS 4
#define MICRO_EACH(X) X(1) X(2) X(3) X(4)
#define MICRO_VECTORS 1
#define BF16_ROWS 2
#define BF16_EACH(X) X(1) X(2)
typedef struct lanes {
    float x[LANES];
} lanes;
typedef struct lanes_mask {
    uint32_t x[LANES];
} lanes_mask;

static inline lanes v_set(float x)
{
    lanes r;
    for (int i = 0; i < LANES; i++) {
        r.x[i] = x;
    }
    return r;
}
static inline lanes v_load(const float *p)
{
    lanes r;
    memcpy(r.x, p, sizeof r.x);
    return r;
}
static inline void v_store(float *p, lanes a)
{
    memcpy(p, a.x, sizeof a.x);
}
// The first n lanes; zero behind them.
static inline lanes v_load_part(const float *p, size_t n)
{
    lanes r = {{0}};
    memcpy(r.x, p, n * sizeof *p);
    return r;
}
static inline void v_store_part(float *p, lanes a, size_t n)
{
    memcpy(p, a.x, n * sizeof *p);
}

#define LANES_BINARY(name, expression)                                                             \
    static inline lanes name(lanes a, lanes b)                                                     \
    {                                                                                              \
        lanes r;                                                                                   \
        for (int i = 0; i < LANES; i++) {                                                          \
            r.x[i] = expression;                                                                   \
        }                                                                                          \
        return r;                                                                                  \
    }
LANES_BINARY(v_add, a.x[i] + b.x[i])
LANES_BINARY(v_sub, a.x[i] - b.x[i])
LANES_BINARY(v_mul, a.x[i] * b.x[i])
LANES_BINARY(v_div, a.x[i] / b.x[i])
LANES_BINARY(v_max, a.x[i] > b.x[i] ? a.x[i] : b.x[i]) // b where one is NaN

static inline lanes v_fma(lanes a, lanes b, lanes c)
{
    lanes r;
    for (int i = 0; i < LANES; i++) {
        r.x[i] = fmaf(a.x[i], b.x[i], c.x[i]);
    }
    return r;
}
static inline lanes v_sqrt(lanes a)
{
    lanes r;
    for (int i = 0; i < LANES; i++) {
        r.x[i] = sqrtf(a.x[i]);
    }
    return r;
}

#define LANES_COMPARE(name, operator)                                                              \
    static inline lanes_mask name(lanes a, lanes b)                                                \
    {                                                                                              \
        lanes_mask r;                                                                              \
        for (int i = 0; i < LANES; i++) {                                                          \
            r.x[i] = a.x[i] operator b.x[i];                                                       \
        }                                                                                          \
        return r;                                                                                  \
    }
LANES_COMPARE(v_less, <)
LANES_COMPARE(v_equal, ==)
LANES_COMPARE(v_unequal, !=)

static inline lanes v_select(lanes_mask m, lanes a, lanes b)
{
    lanes r;
    for (int i = 0; i < LANES; i++) {
        r.x[i] = m.x[i] ? a.x[i] : b.x[i];
    }
    return r;
}

static inline uint32_t lane_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline float lane_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#define LANES_BITS(name, expression)                                                               \
    static inline lanes name(lanes a, lanes b)                                                     \
    {                                                                                              \
        lanes r;                                                                                   \
        for (int i = 0; i < LANES; i++) {                                                          \
            r.x[i] = lane_of(expression);                                                          \
        }                                                                                          \
        return r;                                                                                  \
    }
LANES_BITS(v_and, lane_bits(a.x[i]) & lane_bits(b.x[i]))
LANES_BITS(v_or, lane_bits(a.x[i]) | lane_bits(b.x[i]))
LANES_BITS(v_xor, lane_bits(a.x[i]) ^ lane_bits(b.x[i]))
LANES_BITS(v_add_bits, lane_bits(a.x[i]) + lane_bits(b.x[i]))
LANES_BITS(v_sub_bits, lane_bits(a.x[i]) - lane_bits(b.x[i]))

static inline lanes v_bits(uint32_t bits)
{
    return v_set(lane_of(bits));
}
// Bits as integers, shifted by a constant: arithmetic right, left.
static inline lanes v_shift_right(lanes a, int by)
{
    lanes r;
    for (int i = 0; i < LANES; i++) {
        r.x[i] = lane_of((uint32_t)((int32_t)lane_bits(a.x[i]) >> by));
    }
    return r;
}
static inline lanes v_shift_left(lanes a, int by)
{
    lanes r;
    for (int i = 0; i < LANES; i++) {
        r.x[i] = lane_of(lane_bits(a.x[i]) << by);
    }
    return r;
}
static inline lanes v_from_int(lanes a) // bits as int32 to float
{
    lanes r;
    for (int i = 0; i < LANES; i++) {
        r.x[i] = (float)(int32_t)lane_bits(a.x[i]);
    }
    return r;
}

// The fixed tree: lane i with i + 8, then + 4, + 2, + 1.
static inline float v_sum(lanes a)
{
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; i++) {
            a.x[i] += a.x[i + half];
        }
    }
    return a.x[0];
}
static inline float v_top(lanes a)
{
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; i++) {
            a.x[i] = a.x[i] > a.x[i + half] ? a.x[i] : a.x[i + half];
        }
    }
    return a.x[0];
}

// out[k * LANES + j] = in[j * in_step + k]
static inline void transpose_square(const float *in, size_t in_step, float *out)
{
    for (size_t j = 0; j < LANES; j++) {
        for (size_t k = 0; k < LANES; k++) {
            out[k * LANES + j] = in[j * in_step + k];
        }
    }
}

#endif
