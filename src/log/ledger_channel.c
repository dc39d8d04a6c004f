// One channel's part of the ledger: counts, intervals, order, clocks, and messages over time.
#include "ledger_channel.h"

#include <math.h>

#include "roadmill/codec.h"

// Intervals are counted in buckets of an eighth of an octave: those below 8 ns exactly.
#define OCTAVE 8
#define BUCKETS (OCTAVE * 61)
#define GAP_FACTOR 5
// Fewer intervals have no period to speak of.
#define INTERVALS_MIN 8
#define JUMP_NS 1000000000
// Times from here on count from 1970; smaller ones count from some start of their own.
#define EPOCH_NS_MIN ((int64_t)100000000000000000)
#define SECOND 1e9
#define DRIFT_SPAN_S_MIN 10.0

// What is needed of the messages before.
struct rml_log_channel_state {
    int64_t previous_ns, greatest_ns;
    uint32_t previous_sequence, previous_crc;
    uint32_t intervals[BUCKETS];
    rml_log_gap longest[RML_LOG_GAPS_MAX]; // longest first
    size_t longest_count;
    // Latency against log time, both in seconds from the first message with a sensor time.
    int64_t latency_first_ns, latency_previous_ns, fit_from_ns;
    double n, x, y, xx, xy;
};

static size_t bucket_of(uint64_t interval)
{
    if (interval < OCTAVE) {
        return (size_t)interval;
    }
    size_t octave = 63 - (size_t)__builtin_clzll(interval); // 3 or more
    return (octave - 2) * OCTAVE + (size_t)(interval >> (octave - 3)) - OCTAVE;
}

// The least interval of a bucket.
static uint64_t bucket_least(size_t bucket)
{
    if (bucket < OCTAVE) {
        return bucket;
    }
    return (uint64_t)(OCTAVE + bucket % OCTAVE) << (bucket / OCTAVE - 1);
}

// ---- Messages over time ------------------------------------------------------------------------

// Twice the width: pairs become one. A bin of odd number ends its pair.
static void widen(rml_log_bins *b)
{
    bool odd = (b->first % 2) != 0;
    size_t skew = odd ? 1 : 0;
    rml_log_bins merged = {.width_ns = b->width_ns * 2,
                           .first = (b->first - (int64_t)skew) / 2,
                           .count = (b->count + skew + 1) / 2};
    for (size_t i = 0; i < b->count; i++) {
        merged.bins[(i + skew) / 2] += b->bins[i];
    }
    *b = merged;
}

// Moves the bins up so that `first` is the number of the lowest; there is room.
static void extend_down(rml_log_bins *b, int64_t first)
{
    size_t by = (size_t)(b->first - first);
    for (size_t i = b->count; i > 0; i--) {
        b->bins[i - 1 + by] = b->bins[i - 1];
    }
    for (size_t i = 0; i < by; i++) {
        b->bins[i] = 0;
    }
    b->first = first;
    b->count += by;
}

static void count_in_bin(rml_log_bins *b, int64_t t_ns)
{
    if (b->count == 0) {
        b->width_ns = 1;
        b->first = t_ns;
        b->count = 1;
    }
    for (;;) {
        int64_t bin = t_ns / b->width_ns - (t_ns % b->width_ns < 0);
        int64_t last = b->first + (int64_t)b->count - 1;
        int64_t low = bin < b->first ? bin : b->first, high = bin > last ? bin : last;
        if ((uint64_t)high - (uint64_t)low >= RML_LOG_BINS_MAX) {
            widen(b);
            continue;
        }
        if (bin < b->first) {
            extend_down(b, bin);
        }
        b->count = (size_t)(high - b->first) + 1;
        b->bins[bin - b->first]++;
        return;
    }
}

// ---- Order and intervals -----------------------------------------------------------------------

static void keep_longest(struct rml_log_channel_state *s, int64_t from_ns, int64_t length_ns)
{
    size_t at = s->longest_count;
    if (at == RML_LOG_GAPS_MAX && s->longest[at - 1].length_ns >= length_ns) {
        return;
    }
    at = at == RML_LOG_GAPS_MAX ? at - 1 : s->longest_count++;
    for (; at > 0 && s->longest[at - 1].length_ns < length_ns; at--) {
        s->longest[at] = s->longest[at - 1];
    }
    s->longest[at] = (rml_log_gap){from_ns, length_ns};
}

static void add_interval(rml_log_channel_ledger *c, const rml_log_message *message, uint32_t crc)
{
    struct rml_log_channel_state *s = c->state;
    int64_t log_ns = message->log_ns, interval = log_ns - s->previous_ns;
    if (interval < 0) {
        c->out_of_order++;
    } else {
        s->intervals[bucket_of((uint64_t)interval)]++;
        keep_longest(s, s->previous_ns, interval);
        c->gap_ns_max = interval > c->gap_ns_max ? interval : c->gap_ns_max;
    }
    if (s->greatest_ns - log_ns > c->jump_back_ns_max && log_ns != 0) {
        c->jump_back_ns_max = s->greatest_ns - log_ns;
    }
    bool same_number = message->sequence == s->previous_sequence;
    if (message->sequence != 0 && same_number && interval == 0 && crc == s->previous_crc) {
        c->duplicates++;
    }
    // A sequence that starts again, or is not kept (always 0), says nothing about drops.
    if (message->sequence > s->previous_sequence && s->previous_sequence != 0) {
        c->sequence_drops += message->sequence - s->previous_sequence - 1;
    }
    c->first_ns = log_ns < c->first_ns ? log_ns : c->first_ns;
    c->last_ns = log_ns > c->last_ns ? log_ns : c->last_ns;
}

// ---- Clocks ------------------------------------------------------------------------------------

static void add_latency(rml_log_channel_ledger *c, int64_t log_ns, int64_t sensor_ns)
{
    struct rml_log_channel_state *s = c->state;
    int64_t latency_ns;
    if (sensor_ns == 0) {
        c->sensor_zeros++;
        return;
    }
    if (__builtin_sub_overflow(log_ns, sensor_ns, &latency_ns)) {
        return;
    }
    if (c->sensor_messages == 0) {
        c->latency_ns_min = c->latency_ns_max = s->latency_first_ns = latency_ns;
        s->fit_from_ns = log_ns;
    } else if (fabs((double)latency_ns - (double)s->latency_previous_ns) > JUMP_NS) {
        c->clock_jumps++;
    }
    s->latency_previous_ns = latency_ns;
    c->latency_ns_min = latency_ns < c->latency_ns_min ? latency_ns : c->latency_ns_min;
    c->latency_ns_max = latency_ns > c->latency_ns_max ? latency_ns : c->latency_ns_max;
    c->sensor_messages++;
    double x = ((double)log_ns - (double)s->fit_from_ns) / SECOND;
    double y = ((double)latency_ns - (double)s->latency_first_ns) / SECOND;
    s->n += 1;
    s->x += x;
    s->y += y;
    s->xx += x * x;
    s->xy += x * y;
}

static rml_log_sensor_clock clock_of(const rml_log_channel_ledger *c)
{
    static const struct {
        rml_log_sensor_clock clock;
        double least_s, most_s; // of the least latency
    } rows[] = {
        {RML_LOG_CLOCK_SAME, -1.0, 10.0},
        {RML_LOG_CLOCK_TAI, -37.5, -36.0},
        {RML_LOG_CLOCK_GPS, -18.5, -17.0},
        {RML_LOG_CLOCK_UTC, 36.5, 38.0},
    };
    if (c->sensor_messages == 0) {
        return c->sensor_zeros > 0 ? RML_LOG_CLOCK_ZERO : RML_LOG_CLOCK_NONE;
    }
    double least_s = (double)c->latency_ns_min / SECOND;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (least_s >= rows[i].least_s && least_s <= rows[i].most_s) {
            return rows[i].clock;
        }
    }
    bool relative = c->last_ns >= EPOCH_NS_MIN && c->last_ns - c->latency_ns_min < EPOCH_NS_MIN;
    return relative ? RML_LOG_CLOCK_RELATIVE : RML_LOG_CLOCK_OFFSET;
}

// ---- The whole ---------------------------------------------------------------------------------

static rml_status begin(rml_log_channel_ledger *c, rml_arena *arena, rml_error *err)
{
    c->state = RML_NEW(arena, struct rml_log_channel_state);
    c->bins = RML_NEW(arena, rml_log_bins);
    if (c->state == NULL || c->bins == NULL) {
        c->state = NULL;
        return rml_fail_memory(err, sizeof(struct rml_log_channel_state));
    }
    return RML_OK;
}

rml_status rml_log_channel_ledger_add(rml_log_channel_ledger *c, rml_arena *arena,
                                      const rml_log_message *message, const int64_t *sensor_ns,
                                      rml_error *err)
{
    if (c->state == NULL) {
        RML_TRY(begin(c, arena, err));
    }
    struct rml_log_channel_state *s = c->state;
    int64_t log_ns = message->log_ns;
    uint32_t crc = message->sequence == 0 ? 0 : rml_crc32(0, message->data.data, message->data.len);
    if (c->messages == 0) {
        c->first_ns = c->last_ns = s->greatest_ns = log_ns;
    } else {
        add_interval(c, message, crc);
    }
    if (log_ns == 0) {
        c->zero_times++;
    } else {
        count_in_bin(c->bins, log_ns);
    }
    if (sensor_ns != NULL) {
        add_latency(c, log_ns, *sensor_ns);
    }
    c->messages++;
    c->bytes += message->data.len;
    s->greatest_ns = log_ns > s->greatest_ns ? log_ns : s->greatest_ns;
    s->previous_ns = log_ns;
    s->previous_sequence = message->sequence;
    s->previous_crc = crc;
    return RML_OK;
}

// The median interval by its bucket, and what is longer than GAP_FACTOR of it.
static void end_gaps(rml_log_channel_ledger *c)
{
    const struct rml_log_channel_state *s = c->state;
    uint64_t total = 0, below = 0;
    size_t median = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        total += s->intervals[i];
    }
    if (total == 0) {
        return;
    }
    while (below + s->intervals[median] <= (total - 1) / 2) {
        below += s->intervals[median++];
    }
    c->period_ns = (int64_t)bucket_least(median);
    // A period of zero (messages in bursts of one time) says nothing about gaps.
    size_t bound = bucket_of((uint64_t)c->period_ns * GAP_FACTOR) + 1;
    if (c->period_ns == 0 || bound >= BUCKETS || total < INTERVALS_MIN) {
        return;
    }
    for (size_t i = bound; i < BUCKETS; i++) {
        c->gap_count += s->intervals[i];
    }
    uint64_t least = bucket_least(bound);
    for (size_t i = 0; i < s->longest_count && (uint64_t)s->longest[i].length_ns >= least; i++) {
        c->gaps[c->gaps_kept++] = s->longest[i];
    }
}

void rml_log_channel_ledger_end(rml_log_channel_ledger *c)
{
    c->sensor_clock = clock_of(c);
    c->drift_ppm = NAN;
    if (c->state == NULL) {
        return;
    }
    const struct rml_log_channel_state *s = c->state;
    end_gaps(c);
    if (c->sensor_messages > 0) {
        c->latency_ns_mean = (double)s->latency_first_ns + s->y / s->n * SECOND;
    }
    double spread = s->n * s->xx - s->x * s->x;
    if (s->n > 2 && c->last_ns - c->first_ns >= (int64_t)(DRIFT_SPAN_S_MIN * SECOND) &&
        spread > 0) {
        c->drift_ppm = (s->n * s->xy - s->x * s->y) / spread * 1e6;
    }
}
