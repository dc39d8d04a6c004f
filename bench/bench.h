// What benches share: one JSON line a figure.
#ifndef RML_BENCH_BENCH_H
#define RML_BENCH_BENCH_H

#include <stdio.h>

// ratio above 1: we are better than the peer; against a floor: the share of it that is reached.
static inline void rml_bench_line(const char *name, double value, const char *unit,
                                  const char *peer, double peer_value, double ratio)
{
    printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"peer\":\"%s\",\"peer_value\":%.6g,"
           "\"ratio\":%.4g}\n",
           name, value, unit, peer, peer_value, ratio);
    fflush(stdout);
}

#endif
