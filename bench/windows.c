// Cutting windows: US101 and Lankershim (keep = 1), all windows into tensors with 32 agents and 32
// map pieces, one core. The peer is numpy over the same tracks (windows_peer.py), which cuts less:
// no map, no leaders. RML_DATA: the data; RML_PYTHON: an interpreter with numpy.
#define _POSIX_C_SOURCE 200809L // popen
#include "roadmill/scene.h"

#include <stdlib.h>

#include "../tests/scene/ngsim.h"
#include "bench.h"

enum { ROUNDS = 3 };

// "recording track t_ns x y" a line, for the peer.
static void write_states(const rml_traffic *t, size_t index, FILE *out)
{
    for (size_t i = 0; i < t->track_count; i++) {
        for (size_t k = 0; k < t->tracks[i].count; k++) {
            const rml_track_state *s = &t->tracks[i].states[k];
            fprintf(out, "%zu %zu %lld %.17g %.17g\n", index, i, (long long)s->t_ns, s->x_m,
                    s->y_m);
        }
    }
}

static size_t cut_all(const rml_traffic *traffics, size_t count, const rml_tensor_slot *out)
{
    const rml_scene_spec spec = {0};
    const rml_scene_cutter *kind = rml_scene_cutter_find(RML_STR("agents_map"));
    size_t windows_cut = 0;
    for (size_t i = 0; i < count; i++) {
        rml_array windows = RML_ARRAY(rml_window);
        rml_cutter *cutter = NULL;
        if (rml_scene_windows(&traffics[i], &spec, &windows, NULL) ||
            rml_cutter_make(&traffics[i], &spec, &cutter, NULL)) {
            exit(1);
        }
        for (size_t w = 0; w < windows.count; w++) {
            kind->cut(cutter, *RML_AT(&windows, rml_window, w), out);
        }
        windows_cut += windows.count;
        rml_cutter_free(cutter);
        rml_array_reset(&windows);
    }
    return windows_cut;
}

static double peer_rate(const char *python, const char *path)
{
    char command[2048];
    double rate = 0;
    snprintf(command, sizeof command, "%s %s/windows_peer.py %s", python, RML_BENCH_FOLDER, path);
    FILE *pipe = popen(command, "r");
    if (pipe == NULL || fscanf(pipe, "%lf", &rate) != 1) {
        rate = 0;
    }
    if (pipe != NULL) {
        pclose(pipe);
    }
    return rate;
}

static void bench_site(const char *data, const char *site, const char *python)
{
    rml_arena arena = {0};
    rml_traffic traffics[NGSIM_MOST];
    float *f = rml_heap_make(8192 * sizeof *f);
    const rml_tensor_slot out[] = {{f, NULL},        {f + 4096, NULL}, {f + 4200, NULL},
                                   {f + 4300, NULL}, {f + 4302, NULL}, {f + 4304, NULL},
                                   {f + 4400, NULL}};
    char path[1024], name[64];
    const char *folder = rml_env("TMPDIR");
    size_t count = ngsim_read(data, site, &arena, traffics, NULL), windows = 0;
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = rml_clock_monotonic_ns();
        windows = cut_all(traffics, count, out);
        double rate = (double)windows / ((double)(rml_clock_monotonic_ns() - start) / 1e9);
        best = rate > best ? rate : best;
    }
    snprintf(path, sizeof path, "%s/windows_%s.txt", folder ? folder : "/tmp", site);
    FILE *states = fopen(path, "w");
    for (size_t i = 0; states != NULL && i < count; i++) {
        write_states(&traffics[i], i, states);
    }
    if (states != NULL) {
        fclose(states);
    }
    double peer = python != NULL ? peer_rate(python, path) : 0;
    remove(path);
    snprintf(name, sizeof name, "windows %s (%zu)", site, windows);
    rml_bench_line(name, best, "windows/s", "numpy", peer, peer > 0 ? best / peer : 0);
    rml_heap_free(f);
    rml_arena_reset(&arena);
}

int main(void)
{
    const char *data = rml_env("RML_DATA");
    if (data == NULL) {
        fprintf(stderr, "bench windows: skipped: no data\n");
        return 0;
    }
    bench_site(data, "US101", rml_env("RML_PYTHON"));
    bench_site(data, "Lanker", rml_env("RML_PYTHON"));
    return 0;
}
