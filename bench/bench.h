// What benches share: one JSON line a figure.
#ifndef RML_BENCH_BENCH_H
#define RML_BENCH_BENCH_H

#include <stdio.h>
#include <stdlib.h>

// ratio above 1: we are better than the peer; against a floor: the share of it that is reached.
static inline void rml_bench_line(const char *name, double value, const char *unit,
                                  const char *peer, double peer_value, double ratio)
{
    printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"peer\":\"%s\",\"peer_value\":%.6g,"
           "\"ratio\":%.4g}\n",
           name, value, unit, peer, peer_value, ratio);
    fflush(stdout);
}

// Ascending, for qsort of doubles.
static inline int rml_bench_by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The Python that has PyTorch, else the tests' own.
static inline const char *rml_bench_python(void)
{
    const char *torch = getenv("RML_TORCH_PYTHON"), *own = getenv("RML_PYTHON");
    return torch != NULL ? torch : own != NULL ? own : "python3";
}

#endif
