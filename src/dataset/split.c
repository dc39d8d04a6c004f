// Splits: units (families, recordings) go whole to one side, by a keyed order and shares.
#include "split.h"

#include <string.h>

#include "roadmill/base/random.h"

#define STREAM_UNITS 0x53504c4954 // "SPLIT"

static const char *const names[RML_SPLITS] = {"train", "validation", "dev", "gate", "sealed"};
const rml_names rml_splits = {names, RML_SPLITS};

const char *rml_split_name(rml_split s)
{
    return (unsigned)s < RML_SPLITS ? names[s] : "none";
}

bool rml_split_parse(rml_str text, rml_split *out)
{
    size_t value = 0;
    bool found = rml_names_find(&rml_splits, text, &value);
    *out = found ? (rml_split)value : *out;
    return found;
}

// A unit: the items that go together.
typedef struct unit {
    int64_t start_ns;
    uint64_t key; // of the keyed order
    uint32_t number;
    rml_str first_id; // the smallest recording_id: names the unit whatever else is in the lake
} unit;

static uint64_t key_of(rml_str id, uint64_t seed)
{
    uint64_t h = 0xcbf29ce484222325u; // FNV-1a
    for (size_t i = 0; i < id.len; i++) {
        h = (h ^ (uint8_t)id.data[i]) * 0x100000001b3u;
    }
    return rml_random_u64(seed, STREAM_UNITS, h);
}

static int compare_units(const void *a, const void *b, void *context)
{
    const unit *x = a, *y = b;
    bool by_time = *(const bool *)context;
    if (by_time && x->start_ns != y->start_ns) {
        return x->start_ns < y->start_ns ? -1 : 1;
    }
    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return rml_str_compare(x->first_id, y->first_id);
}

// How many of n units each split gets: largest remainders, and none of a positive share goes empty
// while another has two.
static void share_out(size_t n, const double share[RML_SPLITS], size_t out[RML_SPLITS])
{
    double sum = 0, rest[RML_SPLITS];
    size_t given = 0;
    for (int s = 0; s < RML_SPLITS; s++) {
        sum += share[s];
    }
    for (int s = 0; s < RML_SPLITS; s++) {
        double exact = sum > 0 ? (double)n * share[s] / sum : 0;
        out[s] = (size_t)exact;
        rest[s] = exact - (double)out[s];
        given += out[s];
    }
    for (; given < n; given++) {
        int most = 0;
        for (int s = 1; s < RML_SPLITS; s++) {
            most = rest[s] > rest[most] ? s : most;
        }
        out[most]++;
        rest[most] = -1;
    }
    for (int s = 0; s < RML_SPLITS; s++) {
        int largest = 0;
        for (int t = 1; t < RML_SPLITS; t++) {
            largest = out[t] > out[largest] ? t : largest;
        }
        if (share[s] > 0 && out[s] == 0 && out[largest] > 1) {
            out[largest]--;
            out[s]++;
        }
    }
}

// Units of the items with group[i] == which, in first-come order.
static rml_status find_units(const rml_split_item *items, const int *group, int which, size_t count,
                             bool by_recording, uint64_t seed, rml_array *units, uint32_t *unit_of,
                             rml_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!items[i].used || group[i] != which) {
            continue;
        }
        uint32_t number = by_recording ? (uint32_t)i : items[i].family;
        size_t u = 0;
        while (u < units->count && RML_AT(units, unit, u)->number != number) {
            u++;
        }
        if (u == units->count) {
            unit *made = rml_array_push(units, err);
            if (made == NULL) {
                return RML_ERR_MEMORY;
            }
            *made = (unit){items[i].start_ns, 0, number, items[i].recording_id};
        }
        unit *own = RML_AT(units, unit, u);
        own->start_ns = items[i].start_ns < own->start_ns ? items[i].start_ns : own->start_ns;
        if (rml_str_compare(items[i].recording_id, own->first_id) < 0) {
            own->first_id = items[i].recording_id;
        }
        unit_of[i] = number;
    }
    for (size_t u = 0; u < units->count; u++) {
        RML_AT(units, unit, u)->key = key_of(RML_AT(units, unit, u)->first_id, seed);
    }
    return RML_OK;
}

// Divides the items of one group by share.
static rml_status divide(const rml_dataset_spec *spec, rml_split_item *items, const int *group,
                         int which, size_t count, const double share[RML_SPLITS], uint32_t *unit_of,
                         rml_error *err)
{
    rml_array units = RML_ARRAY(unit);
    bool by_recording = spec->rule == RML_SPLIT_RECORDING, by_time = spec->rule == RML_SPLIT_TIME;
    rml_status st =
        find_units(items, group, which, count, by_recording, spec->seed, &units, unit_of, err);
    st = st ? st : rml_array_sort(&units, compare_units, &by_time, err);
    size_t of[RML_SPLITS] = {0}, at = 0;
    share_out(units.count, share, of);
    for (int s = 0; st == RML_OK && s < RML_SPLITS; s++) {
        for (size_t end = at + of[s]; at < end; at++) {
            for (size_t i = 0; i < count; i++) {
                if (items[i].used && group[i] == which &&
                    unit_of[i] == RML_AT(&units, unit, at)->number) {
                    items[i].split = s;
                }
            }
        }
    }
    rml_array_reset(&units);
    return st;
}

// The split whose prefix of the place is the longest; several may name the same one.
static int place_split(const rml_dataset_spec *spec, rml_str place, bool of[RML_SPLITS])
{
    rml_str longest = {0};
    int first = RML_SPLIT_NONE;
    for (int s = 0; s < RML_SPLITS; s++) {
        for (size_t i = 0; i < spec->place_count[s]; i++) {
            rml_str prefix = spec->place[s][i];
            if (!rml_str_starts(place, prefix) || (first >= 0 && prefix.len < longest.len)) {
                continue;
            }
            if (first < 0 || prefix.len > longest.len) {
                memset(of, 0, sizeof(bool) * RML_SPLITS);
                first = s;
                longest = prefix;
            }
            of[s] = true;
        }
    }
    return first;
}

static rml_status assign_places(const rml_dataset_spec *spec, const double share[RML_SPLITS],
                                rml_split_item *items, int *group, uint32_t *unit_of, size_t count,
                                rml_error *err)
{
    // A group is a set of splits, as bits; those of one split are settled by their place alone.
    for (size_t i = 0; i < count; i++) {
        bool of[RML_SPLITS] = {0};
        group[i] = 0;
        if (place_split(spec, items[i].place_id, of) >= 0) {
            for (int s = 0; s < RML_SPLITS; s++) {
                group[i] |= of[s] ? 1 << s : 0;
            }
        }
    }
    for (int which = 1; which < 1 << RML_SPLITS; which++) {
        double own[RML_SPLITS];
        double sum = 0;
        for (int s = 0; s < RML_SPLITS; s++) {
            own[s] = which >> s & 1 ? share[s] : 0;
            sum += own[s];
        }
        for (int s = 0; s < RML_SPLITS; s++) { // no shares given for these: equal ones
            own[s] = sum > 0 ? own[s] : which >> s & 1;
        }
        RML_TRY(divide(spec, items, group, which, count, own, unit_of, err));
    }
    return RML_OK;
}

static rml_status check_spec(const rml_dataset_spec *spec, const rml_split_item *items,
                             size_t count, rml_error *err)
{
    size_t places = 0;
    for (int s = 0; s < RML_SPLITS; s++) {
        places += spec->place_count[s];
        if (!(spec->share[s] >= 0 && spec->share[s] <= 1)) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                            "expected a share of %s from 0 to 1, found %g", names[s],
                            spec->share[s]);
        }
    }
    if (spec->rule == RML_SPLIT_PLACE && places == 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0},
                        "--place train=PREFIX --place gate=PREFIX names them",
                        "expected places for the split by place, found none");
    }
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        low = items[i].used && items[i].start_ns < low ? items[i].start_ns : low;
        high = items[i].used && items[i].start_ns > high ? items[i].start_ns : high;
    }
    if (spec->rule == RML_SPLIT_TIME && low == high) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "--split family divides them",
                        "expected recordings with different start times, found all at %lld ns "
                        "(a clock without an epoch)",
                        (long long)low);
    }
    return RML_OK;
}

rml_status rml_split_assign(const rml_dataset_spec *spec, rml_split_item *items, size_t count,
                            rml_error *err)
{
    static const double usual[RML_SPLITS] = {.6, .1, .15, .15, 0};
    RML_TRY(check_spec(spec, items, count, err));
    double sum = 0;
    for (int s = 0; s < RML_SPLITS; s++) {
        sum += spec->share[s];
    }
    const double *share = sum > 0 ? spec->share : usual;
    rml_arena arena = {0};
    int *group = RML_NEW_ARRAY(&arena, int, count + 1);
    uint32_t *unit_of = RML_NEW_ARRAY(&arena, uint32_t, count + 1);
    if (group == NULL || unit_of == NULL) {
        rml_arena_reset(&arena);
        return rml_fail_memory(err, count * sizeof *group);
    }
    for (size_t i = 0; i < count; i++) {
        items[i].split = RML_SPLIT_NONE;
    }
    rml_status st = spec->rule == RML_SPLIT_PLACE
                        ? assign_places(spec, share, items, group, unit_of, count, err)
                        : divide(spec, items, group, 0, count, share, unit_of, err);
    rml_arena_reset(&arena);
    return st;
}
