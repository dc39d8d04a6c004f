// Queries over recorded traffic: US101 (keep = 1), one core, traffic in memory. The floor is one
// pass of plain C over the same pairs: distance of centres at every instant at which both are
// there. RML_DATA: the data.
#include "roadmill/query.h"

#include <math.h>
#include <stdlib.h>

#include "../tests/scene/ngsim.h"
#include "bench.h"

enum { ROUNDS = 3 };

// Pair-instants per second of the floor.
static double floor_rate(const rml_traffic *traffics, size_t count)
{
    uint64_t pairs = 0;
    volatile double sink = 0;
    int64_t start = rml_clock_monotonic_ns();
    for (size_t i = 0; i < count; i++) {
        const rml_traffic *t = &traffics[i];
        for (size_t a = 0; a < t->track_count; a++) {
            for (size_t b = 0; b < t->track_count; b++) {
                const rml_track *p = &t->tracks[a], *q = &t->tracks[b];
                double least = INFINITY;
                for (size_t k = 0, m = 0; a != b && k < p->count; k++) {
                    while (m < q->count && q->states[m].t_ns < p->states[k].t_ns) {
                        m++;
                    }
                    if (m < q->count && q->states[m].t_ns == p->states[k].t_ns) {
                        double dx = q->states[m].x_m - p->states[k].x_m;
                        double dy = q->states[m].y_m - p->states[k].y_m;
                        least = fmin(least, sqrt(dx * dx + dy * dy));
                        pairs++;
                    }
                }
                sink = sink + (least < 1 ? least : 0);
            }
        }
    }
    return (double)pairs / ((double)(rml_clock_monotonic_ns() - start) / 1e9);
}

static double query_rate(const char *text, const rml_traffic *traffics, size_t count,
                         rml_query_count *found)
{
    rml_query *q = NULL;
    rml_array matches = RML_ARRAY(rml_match);
    if (rml_query_compile(rml_str_of(text), RML_STR("bench"), &q, NULL)) {
        exit(1);
    }
    *found = (rml_query_count){0};
    int64_t start = rml_clock_monotonic_ns();
    for (size_t i = 0; i < count; i++) {
        if (rml_query_run(q, &traffics[i], &matches, found, NULL)) {
            exit(1);
        }
    }
    double seconds = (double)(rml_clock_monotonic_ns() - start) / 1e9;
    rml_array_reset(&matches);
    rml_query_free(q);
    return (double)found->evaluated / seconds;
}

int main(void)
{
    static const struct {
        const char *name, *text;
    } queries[] = {
        {"find distance", "distance(a, b) < 3 m"},
        {"find gap", "gap(a, b) < 1 m"},
        {"find ttc", "ttc(a, b) < 1 s"},
        {"find near_cut_in",
         "f(ego, v: vehicle): v changes_lane into lane_of(ego) then within 3 s: "
         "ttc(ego, v) < 2.5 s and gap(ego, v) < 30 m"},
    };
    const char *data = rml_env("RML_DATA");
    rml_arena arena = {0};
    rml_traffic traffics[NGSIM_MOST];
    if (data == NULL) {
        fprintf(stderr, "bench find: skipped: no data\n");
        return 0;
    }
    size_t count = ngsim_read(data, "US101", &arena, traffics, NULL);
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        double best = 0, peer = 0;
        for (int round = 0; round < ROUNDS; round++) {
            rml_query_count found;
            peer = fmax(peer, floor_rate(traffics, count));
            best = fmax(best, query_rate(queries[i].text, traffics, count, &found));
        }
        rml_bench_line(queries[i].name, best, "pair-instants/s", "one pass of distances in C", peer,
                       best / peer);
    }
    rml_arena_reset(&arena);
    return 0;
}
