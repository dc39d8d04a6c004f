// Bits of floating point numbers, as used by every function of this room.
#ifndef RML_MATH_BITS_H
#define RML_MATH_BITS_H

#include <stdint.h>
#include <string.h>

static inline uint64_t f64_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double f64_of_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// 2^k for k in [-1022, 1023].
static inline double f64_power_of_two(int k)
{
    return f64_of_bits((uint64_t)(k + 1023) << 52);
}

static inline double f64_abs(double x)
{
    return f64_of_bits(f64_bits(x) & 0x7fffffffffffffffu);
}

static inline double f64_copy_sign(double x, double sign)
{
    return f64_of_bits((f64_bits(x) & 0x7fffffffffffffffu) |
                       (f64_bits(sign) & 0x8000000000000000u));
}

// Horner with plain multiplications and additions: c[0] + x (c[1] + x (...)).
static inline double f64_polynomial(const double *c, int count, double x)
{
    double sum = c[count - 1];
    for (int i = count - 2; i >= 0; i--) {
        sum = c[i] + x * sum;
    }
    return sum;
}

#endif
