// One clock: which sample of a channel stands for an instant. Nothing is extrapolated, and the
// difference between the instant and the sample is always told.
#include "roadmill/world.h"

// The last index whose time is not after t; count if there is none. times rise.
static size_t last_not_after(const int64_t *times_ns, size_t count, int64_t t_ns)
{
    size_t low = 0, high = count; // times before low are <= t, from high on > t
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (times_ns[middle] <= t_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? count : low - 1;
}

// |time - t| <= tolerance without overflow, for a tolerance >= 0.
static bool within(int64_t time_ns, int64_t t_ns, int64_t tolerance_ns)
{
    uint64_t apart =
        time_ns > t_ns ? (uint64_t)time_ns - (uint64_t)t_ns : (uint64_t)t_ns - (uint64_t)time_ns;
    return apart <= (uint64_t)tolerance_ns;
}

static bool pick(const int64_t *times_ns, size_t index, int64_t t_ns, int64_t tolerance_ns,
                 rml_clock_pick *out)
{
    if (!within(times_ns[index], t_ns, tolerance_ns)) {
        return false;
    }
    *out = (rml_clock_pick){index, 0, times_ns[index] - t_ns};
    return true;
}

bool rml_clock_at(const int64_t *times_ns, size_t count, int64_t t_ns, rml_clock_policy policy,
                  int64_t tolerance_ns, rml_clock_pick *out)
{
    if (count == 0 || tolerance_ns < 0) {
        return false;
    }
    size_t left = last_not_after(times_ns, count, t_ns);
    bool has_left = left < count;
    size_t right = has_left ? left + 1 : 0;
    bool has_right = right < count;
    if (policy == RML_CLOCK_LATEST) {
        return has_left && pick(times_ns, left, t_ns, tolerance_ns, out);
    }
    bool right_is_nearer =
        !has_left || (has_right && (uint64_t)times_ns[right] - (uint64_t)t_ns <
                                       (uint64_t)t_ns - (uint64_t)times_ns[left]);
    if (policy == RML_CLOCK_NEAREST) {
        return pick(times_ns, right_is_nearer ? right : left, t_ns, tolerance_ns, out);
    }
    if (has_left && times_ns[left] == t_ns) {
        return pick(times_ns, left, t_ns, tolerance_ns, out);
    }
    if (!has_left || !has_right || !within(times_ns[left], t_ns, tolerance_ns) ||
        !within(times_ns[right], t_ns, tolerance_ns)) {
        return false; // between two samples and near both, or it is extrapolation
    }
    *out = (rml_clock_pick){
        .index = left,
        .weight = (double)(t_ns - times_ns[left]) / (double)(times_ns[right] - times_ns[left]),
        .difference_ns = times_ns[right_is_nearer ? right : left] - t_ns,
    };
    return true;
}

static int compare_times(const void *a, const void *b, void *context)
{
    (void)context;
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

rml_status rml_clock_step(rml_array *times_ns, int64_t *out_ns, rml_error *err)
{
    int64_t *t = times_ns->data;
    size_t steps = 0;
    RML_TRY(rml_array_sort(times_ns, compare_times, NULL, err));
    for (size_t i = 1; i < times_ns->count; i++) {
        int64_t step = t[i] - t[i - 1];
        if (step > 0) {
            t[steps++] = step; // steps < i: no time that is still needed
        }
    }
    times_ns->count = steps;
    RML_TRY(rml_array_sort(times_ns, compare_times, NULL, err));
    *out_ns = steps > 0 ? t[steps / 2] : 0;
    return RML_OK;
}

rml_status rml_traffic_times(const rml_traffic *traffic, rml_array *times_ns, rml_error *err)
{
    for (size_t i = 0; i < traffic->track_count; i++) {
        const rml_track *track = &traffic->tracks[i];
        int64_t *times = rml_array_push_many(times_ns, track->count, err);
        if (track->count > 0 && times == NULL) {
            return RML_ERR_MEMORY;
        }
        for (size_t k = 0; k < track->count; k++) {
            times[k] = track->states[k].t_ns;
        }
    }
    RML_TRY(rml_array_sort(times_ns, compare_times, NULL, err));
    int64_t *t = times_ns->data;
    size_t kept = 0;
    for (size_t i = 0; i < times_ns->count; i++) {
        if (kept == 0 || t[i] != t[kept - 1]) {
            t[kept++] = t[i];
        }
    }
    times_ns->count = kept;
    return RML_OK;
}
