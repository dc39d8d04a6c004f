// Which recordings show the same moments: shared runs of speeds, joined by union-find.
//
// Datasets of short scenarios cut the same seconds of traffic many times, each shifted by its own
// offset (NGSIM in CommonRoad: 136 files of 64 clips). Positions cannot be compared directly;
// speeds can.
#include "families.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RUN 15
#define RUN_DIFFERENT 8
#define RUN_SPEED_MIN_MPS 0.5
#define NO_SPEED INT64_MIN // a speed that is not known

static uint64_t mix(uint64_t h, uint64_t value)
{
    // SplitMix64's finaliser over a running sum; 64 bits keep false meetings below one in 1e9 for
    // the 1e5 runs of a large recording.
    h += value * 0x9e3779b97f4a7c15u + 0x632be59bd9b4e019u;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
}

static size_t count_different(const int64_t *values, size_t count)
{
    size_t different = 0;
    for (size_t i = 0; i < count; i++) {
        size_t j = 0;
        while (j < i && values[j] != values[i]) {
            j++;
        }
        different += j == i;
    }
    return different;
}

// Speeds in mm/s; NO_SPEED where there is none.
static void track_speeds(const rml_track *track, int64_t *out)
{
    for (size_t i = 0; i < track->count; i++) {
        const rml_track_state *s = &track->states[i];
        double speed = s->recorded_speed_mps;
        if (isnan(speed) && i > 0) {
            const rml_track_state *p = s - 1;
            speed = rml_f64_hypot(s->x_m - p->x_m, s->y_m - p->y_m) /
                    ((double)(s->t_ns - p->t_ns) * 1e-9);
        }
        out[i] = fabs(speed) < 1e6 ? llrint(speed * 1000.0) : NO_SPEED;
    }
}

static rml_status add_run(rml_array *hashes, const int64_t *speeds, size_t count, size_t different,
                          int64_t first_min, rml_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (speeds[i] == NO_SPEED) {
            return RML_OK;
        }
    }
    if (speeds[0] < first_min || count_different(speeds, count) < different) {
        return RML_OK;
    }
    uint64_t h = count;
    for (size_t i = 0; i < count; i++) {
        h = mix(h, (uint64_t)speeds[i]);
    }
    uint64_t *to = rml_array_push(hashes, err);
    if (to == NULL) {
        return RML_ERR_MEMORY;
    }
    *to = h;
    return RML_OK;
}

// One track: all its runs of 15 without a gap in time, or, whole, all of it.
static rml_status add_track(rml_array *hashes, const rml_traffic *traffic, const rml_track *track,
                            const int64_t *speeds, bool whole, rml_error *err)
{
    int64_t first_min = (int64_t)(RUN_SPEED_MIN_MPS * 1000.0);
    if (whole) {
        size_t known = speeds[0] == NO_SPEED; // a difference has none at the first state
        size_t count = track->count - known;
        size_t different = count < 2 * RUN_DIFFERENT ? count / 2 : RUN_DIFFERENT;
        return add_run(hashes, speeds + known, count, different, first_min, err);
    }
    for (size_t i = 0; i + RUN <= track->count; i++) {
        int64_t span = track->states[i + RUN - 1].t_ns - track->states[i].t_ns;
        int64_t late = span - (RUN - 1) * traffic->step_ns;
        if (late > traffic->step_ns / 2 || late < -traffic->step_ns / 2) {
            continue;
        }
        RML_TRY(add_run(hashes, speeds + i, RUN, RUN_DIFFERENT, first_min, err));
    }
    return RML_OK;
}

static int compare_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

rml_status rml_speed_runs_make(const rml_traffic *traffic, rml_speed_runs *out, rml_error *err)
{
    *out = (rml_speed_runs){.recording_id = traffic->recording_id, .hashes = RML_ARRAY(uint64_t)};
    size_t longest = 0;
    for (size_t i = 0; i < traffic->track_count; i++) {
        size_t count = traffic->tracks[i].count;
        longest = count > longest ? count : longest;
        out->states += count >= 2 ? count : 0;
    }
    if (longest < 2) {
        return RML_OK;
    }
    rml_arena arena = {0};
    int64_t *speeds = RML_NEW_ARRAY(&arena, int64_t, longest);
    rml_status st = speeds == NULL ? rml_fail_memory(err, longest * sizeof *speeds) : RML_OK;
    for (int whole = 0; st == RML_OK && whole < 2 && out->hashes.count == 0; whole++) {
        for (size_t i = 0; st == RML_OK && i < traffic->track_count; i++) {
            const rml_track *track = &traffic->tracks[i];
            if (track->count < 2) {
                continue;
            }
            track_speeds(track, speeds);
            st = add_track(&out->hashes, traffic, track, speeds, whole == 1, err);
        }
    }
    rml_arena_reset(&arena);
    if (st) {
        rml_speed_runs_reset(out);
        return st;
    }
    uint64_t *h = out->hashes.data;
    size_t kept = 0;
    if (out->hashes.count > 0) {
        qsort(h, out->hashes.count, sizeof *h, compare_hash);
    }
    for (size_t i = 0; i < out->hashes.count; i++) {
        if (i == 0 || h[i] != h[i - 1]) {
            h[kept++] = h[i];
        }
    }
    out->hashes.count = kept;
    return RML_OK;
}

void rml_speed_runs_reset(rml_speed_runs *r)
{
    rml_array_reset(&r->hashes);
    *r = (rml_speed_runs){0};
}

// ---- Groups ------------------------------------------------------------------------------------

// A run and who has it; sorted, the recordings that share a run stand side by side.
typedef struct shared_run {
    uint64_t hash;
    uint32_t recording;
} shared_run;

static int compare_shared(const void *a, const void *b)
{
    const shared_run *x = a, *y = b;
    if (x->hash != y->hash) {
        return x->hash < y->hash ? -1 : 1;
    }
    return x->recording < y->recording ? -1 : x->recording > y->recording;
}

static uint32_t root_of(uint32_t *parents, uint32_t i)
{
    while (parents[i] != i) {
        parents[i] = parents[parents[i]];
        i = parents[i];
    }
    return i;
}

static void join(uint32_t *parents, uint32_t a, uint32_t b)
{
    a = root_of(parents, a);
    b = root_of(parents, b);
    parents[a > b ? a : b] = a > b ? b : a;
}

// Joins recording i with all later ones that share enough with it. shared[] counts, all zero before
// and after.
static void join_one(const rml_speed_runs *runs, uint32_t i, const shared_run *all, size_t total,
                     uint32_t *shared, uint32_t *clips, uint32_t *families, size_t count)
{
    const uint64_t *own = runs[i].hashes.data;
    size_t at = 0;
    for (size_t k = 0; k < runs[i].hashes.count; k++) {
        size_t low = at, high = total; // own hashes rise, so the search never goes back
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (all[middle].hash < own[k]) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        for (at = low; at < total && all[at].hash == own[k]; at++) {
            shared[all[at].recording] += all[at].recording > i;
        }
    }
    for (uint32_t j = i + 1; j < count; j++) {
        uint64_t a = runs[i].hashes.count, b = runs[j].hashes.count;
        uint64_t smaller = a < b ? a : b, both = shared[j];
        shared[j] = 0;
        if (smaller > 0 && both * 10 >= smaller * 9) {
            join(clips, i, j);
        }
        if (smaller > 0 && both * 50 >= smaller) {
            join(families, i, j);
        }
    }
}

static bool is_better(const rml_speed_runs *a, const rml_speed_runs *b)
{
    return a->states != b->states ? a->states > b->states
                                  : rml_str_compare(a->recording_id, b->recording_id) < 0;
}

// Dense numbers in the order of the recordings; numbers[] is scratch.
static void number(uint32_t *parents, size_t count, uint32_t *numbers, bool clip, rml_family *out)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t root = root_of(parents, i);
        if (root == i) {
            numbers[i] = next++;
        }
        *(clip ? &out[i].clip : &out[i].family) = numbers[root];
    }
}

rml_status rml_families_group(const rml_speed_runs *runs, size_t count, rml_family *out,
                              rml_error *err)
{
    if (count == 0) {
        return RML_OK;
    }
    rml_arena arena = {0};
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += runs[i].hashes.count;
    }
    shared_run *all = RML_NEW_ARRAY(&arena, shared_run, total + 1);
    uint32_t *work = RML_NEW_ARRAY(&arena, uint32_t, 4 * count);
    if (all == NULL || work == NULL || count > UINT32_MAX / 4) {
        rml_arena_reset(&arena);
        return rml_fail_memory(err, total * sizeof *all);
    }
    uint32_t *clips = work, *families = work + count, *shared = work + 2 * count;
    uint32_t *best = work + 3 * count;
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (size_t k = 0; k < runs[i].hashes.count; k++) {
            all[at++] = (shared_run){*RML_AT(&runs[i].hashes, uint64_t, k), i};
        }
        clips[i] = families[i] = i;
    }
    qsort(all, total, sizeof *all, compare_shared);
    for (uint32_t i = 0; i < count; i++) {
        join_one(runs, i, all, total, shared, clips, families, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t root = root_of(clips, i);
        best[root] = root == i || is_better(&runs[i], &runs[best[root]]) ? i : best[root];
    }
    for (uint32_t i = 0; i < count; i++) {
        out[i] = (rml_family){.recording_id = runs[i].recording_id,
                              .keep = best[root_of(clips, i)] == i};
    }
    number(clips, count, shared, true, out);
    number(families, count, shared, false, out);
    rml_arena_reset(&arena);
    return RML_OK;
}

rml_status rml_families_find(const rml_traffic *traffics, size_t count, rml_arena *arena,
                             rml_family *out, rml_error *err)
{
    rml_speed_runs *runs = RML_NEW_ARRAY(arena, rml_speed_runs, count + 1);
    if (runs == NULL) {
        return rml_fail_memory(err, count * sizeof *runs);
    }
    rml_status st = RML_OK;
    for (size_t i = 0; i < count && st == RML_OK; i++) {
        st = rml_speed_runs_make(&traffics[i], &runs[i], err);
    }
    st = st ? st : rml_families_group(runs, count, out, err);
    for (size_t i = 0; i < count; i++) {
        rml_speed_runs_reset(&runs[i]);
    }
    return st;
}
