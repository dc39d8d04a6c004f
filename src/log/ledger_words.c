// The ledger in words: what is odd about a recording, a line each, as a person would tell it.
#include <math.h>

#include "format.h"
#include "roadmill/os.h"

// Below this a back step of log time is an ordinary interleaving of threads that write.
#define BACK_NS_MIN 1000000000
#define DRIFT_PPM_MIN 100.0
#define GAP_NS_MIN 1000000
#define SPAN_NS_MIN 1000000000
// Times from here on count from 1970: then 0 is no time.
#define EPOCH_NS_MIN ((int64_t)100000000000000000)

const char *rml_log_sensor_clock_name(rml_log_sensor_clock clock)
{
    static const char *const names[] = {"none", "same",     "tai",  "gps",
                                        "utc",  "relative", "zero", "offset"};
    return names[clock];
}

typedef struct teller {
    rml_buffer *out;
    rml_str topic;
    int64_t start_ns, end_ns; // of the recording
    rml_error *err;
} teller;

// "2 gaps over 5 periods, the longest 1.250 s from 2026-11-21T08:15:30Z".
static rml_status tell_gaps(const teller *t, const rml_log_channel_ledger *c)
{
    if (c->gaps_kept == 0 || c->gaps[0].length_ns < GAP_NS_MIN) {
        return RML_OK;
    }
    char from[40];
    rml_clock_text(c->gaps[0].from_ns, from);
    return rml_buffer_printf(
        t->out, t->err, "%.*s: %llu gap%s over 5 periods, the longest %.3f s from %s\n",
        RML_FMT(t->topic), (unsigned long long)c->gap_count, c->gap_count == 1 ? "" : "s",
        (double)c->gaps[0].length_ns * 1e-9, from);
}

// A count with its words, if it is not zero.
static rml_status tell_count(const teller *t, uint64_t count, const char *words)
{
    if (count == 0) {
        return RML_OK;
    }
    return rml_buffer_printf(t->out, t->err, "%.*s: %llu %s\n", RML_FMT(t->topic),
                             (unsigned long long)count, words);
}

static rml_status tell_sensor(const teller *t, const rml_log_channel_ledger *c)
{
    static const char *const words[] = {
        [RML_LOG_CLOCK_TAI] = "sensor times are 37 s ahead of the log: they count TAI, the log UTC",
        [RML_LOG_CLOCK_GPS] = "sensor times are 18 s ahead of the log: they count GPS time",
        [RML_LOG_CLOCK_UTC] = "sensor times are 37 s behind the log: they count UTC, the log TAI",
        [RML_LOG_CLOCK_RELATIVE] = "sensor times count from a start of their own, not from 1970",
        [RML_LOG_CLOCK_ZERO] = "sensor times are all 0",
        [RML_LOG_CLOCK_OFFSET] = "sensor times follow another clock than the log",
    };
    const char *odd = words[c->sensor_clock];
    if (odd != NULL) {
        RML_TRY(rml_buffer_printf(t->out, t->err, "%.*s: %s (log - sensor %.3f to %.3f s)\n",
                                  RML_FMT(t->topic), odd, (double)c->latency_ns_min * 1e-9,
                                  (double)c->latency_ns_max * 1e-9));
    }
    RML_TRY(
        tell_count(t, c->clock_jumps, "jumps of more than 1 s between sensor time and log time"));
    if (c->sensor_clock != RML_LOG_CLOCK_ZERO) {
        RML_TRY(tell_count(t, c->sensor_zeros, "sensor times of 0 among others"));
    }
    if (c->clock_jumps == 0 && fabs(c->drift_ppm) >= DRIFT_PPM_MIN) {
        RML_TRY(rml_buffer_printf(t->out, t->err,
                                  "%.*s: sensor clock drifts against the log by %.0f ppm\n",
                                  RML_FMT(t->topic), c->drift_ppm));
    }
    return RML_OK;
}

// A channel that begins long after the recording, or stops long before its end: by more than five
// of its periods, and a second.
static rml_status tell_ends(const teller *t, const rml_log_channel_ledger *c)
{
    int64_t bound_ns = 5 * c->period_ns > SPAN_NS_MIN ? 5 * c->period_ns : SPAN_NS_MIN;
    bool other_clock = (c->first_ns >= EPOCH_NS_MIN) != (t->end_ns >= EPOCH_NS_MIN);
    if (c->period_ns == 0 || other_clock) {
        return RML_OK;
    }
    if (c->first_ns - t->start_ns > bound_ns) {
        RML_TRY(rml_buffer_printf(t->out, t->err, "%.*s: begins %.3f s after the recording\n",
                                  RML_FMT(t->topic), (double)(c->first_ns - t->start_ns) * 1e-9));
    }
    if (t->end_ns - c->last_ns > bound_ns) {
        RML_TRY(rml_buffer_printf(t->out, t->err, "%.*s: stops %.3f s before the recording ends\n",
                                  RML_FMT(t->topic), (double)(t->end_ns - c->last_ns) * 1e-9));
    }
    return RML_OK;
}

static rml_status tell_channel(const teller *t, const rml_log_channel_ledger *c)
{
    RML_TRY(tell_ends(t, c));
    RML_TRY(tell_gaps(t, c));
    RML_TRY(tell_count(t, c->sequence_drops, "numbers missing in the sequence"));
    RML_TRY(tell_count(t, c->duplicates, "duplicates of the message before"));
    RML_TRY(tell_count(t, c->last_ns >= EPOCH_NS_MIN || c->last_ns == 0 ? c->zero_times : 0,
                       "log times of 0"));
    if (c->jump_back_ns_max >= BACK_NS_MIN) {
        RML_TRY(rml_buffer_printf(t->out, t->err, "%.*s: log time falls back by up to %.3f s\n",
                                  RML_FMT(t->topic), (double)c->jump_back_ns_max * 1e-9));
    }
    return tell_sensor(t, c);
}

rml_status rml_log_ledger_words(const rml_log_ledger *ledger, const rml_log *log, rml_buffer *out,
                                rml_error *err)
{
    if (ledger->faults > 0) {
        RML_TRY(
            rml_buffer_printf(out, err, "damage at %llu place%s, %llu bytes lost; first: %.*s\n",
                              (unsigned long long)ledger->faults, ledger->faults == 1 ? "" : "s",
                              (unsigned long long)ledger->bytes_lost, RML_FMT(ledger->damage)));
    }
    if (ledger->unread > 0) {
        RML_TRY(rml_buffer_printf(out, err, "channels of kinds that are not read: %llu\n",
                                  (unsigned long long)ledger->unread));
    }
    if (!ledger->complete) {
        RML_TRY(rml_buffer_printf(out, err, "it has no proper end: cut off, or never closed\n"));
    }
    if (ledger->shared_sequence && ledger->sequence_drops > 0) {
        RML_TRY(rml_buffer_printf(out, err,
                                  "%llu numbers missing in the sequence that all channels share\n",
                                  (unsigned long long)ledger->sequence_drops));
    }
    int64_t start_ns = 0, end_ns = 0;
    (void)rml_log_ledger_span(ledger, &start_ns, &end_ns);
    for (size_t i = 0; i < log->channels.count && i < ledger->channel_count; i++) {
        const teller t = {out, RML_AT(&log->channels, rml_log_channel, i)->topic, start_ns, end_ns,
                          err};
        if (ledger->channels[i].messages == 0) {
            RML_TRY(rml_buffer_printf(out, err, "%.*s: no messages\n", RML_FMT(t.topic)));
        } else {
            RML_TRY(tell_channel(&t, &ledger->channels[i]));
        }
    }
    return RML_OK;
}
