// Successive halving without waiting, made to replay: it acts as if the newest jobs of the window
// were still under way, whether they are or not.
#include "asha.h"

#include <math.h>
#include <string.h>

#include "tpe.h"

typedef struct history {
    const rml_sweep_config *config;
    const rml_sweep_job *jobs;
    size_t count, done; // jobs; those whose results are looked at
    rml_array seen;     // rml_tpe_seen: results of one rung, sorted
    rml_error *err;
} history;

static int by_loss(const void *a, const void *b, void *context)
{
    const rml_tpe_seen *x = a, *y = b;
    (void)context;
    if (x->loss != y->loss) {
        return x->loss < y->loss ? -1 : 1;
    }
    return (x->trial > y->trial) - (x->trial < y->trial);
}

static rml_status look(history *h, uint32_t rung)
{
    rml_array_clear(&h->seen);
    for (size_t i = 0; i < h->done; i++) {
        const rml_sweep_job *j = &h->jobs[i];
        if (j->idle || j->rung != rung) {
            continue;
        }
        rml_tpe_seen *s = rml_array_push(&h->seen, h->err);
        if (s == NULL) {
            return RML_ERR_MEMORY;
        }
        *s = (rml_tpe_seen){.values = j->values, .loss = j->loss, .trial = j->trial};
    }
    return rml_array_sort(&h->seen, by_loss, NULL, h->err);
}

static bool has_begun(const history *h, uint32_t trial, uint32_t rung)
{
    for (size_t i = 0; i < h->count; i++) {
        const rml_sweep_job *j = &h->jobs[i];
        if (!j->idle && j->trial == trial && j->rung == rung) {
            return true;
        }
    }
    return false;
}

// The best of a rung's upper share that has not gone on yet; from the highest rung down.
static rml_status promote(history *h, rml_sweep_job *out)
{
    for (uint32_t rung = h->config->rungs - 1; rung-- > 0;) {
        RML_TRY(look(h, rung));
        const rml_tpe_seen *seen = h->seen.data;
        for (size_t i = 0; i < h->seen.count / h->config->eta; i++) {
            if (isfinite(seen[i].loss) && !has_begun(h, seen[i].trial, rung + 1)) {
                out->idle = false;
                out->trial = seen[i].trial;
                out->rung = rung + 1;
                memcpy(out->values, seen[i].values, sizeof out->values);
                return RML_OK;
            }
        }
    }
    return RML_OK;
}

// Learns from the highest rung that has results enough.
static rml_status look_to_learn(history *h)
{
    for (uint32_t rung = h->config->rungs; rung-- > 0;) {
        RML_TRY(look(h, rung));
        if (h->seen.count >= h->config->startup) {
            return RML_OK;
        }
    }
    rml_array_clear(&h->seen);
    return RML_OK;
}

static rml_status propose(history *h, rml_sweep_job *out)
{
    const rml_sweep_config *c = h->config;
    rml_array before = RML_ARRAY(double);
    uint32_t trials = 0;
    rml_status st = look_to_learn(h);
    for (size_t i = 0; st == RML_OK && i < h->count; i++) {
        const rml_sweep_job *j = &h->jobs[i];
        if (j->idle || j->rung > 0) {
            continue;
        }
        double *values = rml_array_push_many(&before, c->axis_count, h->err);
        if (values == NULL) {
            st = RML_ERR_MEMORY;
            break;
        }
        memcpy(values, j->values, c->axis_count * sizeof *values);
        trials++;
    }
    if (st == RML_OK && trials < c->trials &&
        rml_tpe_propose(c, h->seen.data, h->seen.count, before.data, trials, out->values)) {
        out->idle = false;
        out->trial = trials;
    }
    rml_array_reset(&before);
    return st;
}

rml_status rml_sweep_next(const rml_sweep_config *c, const rml_sweep_job *jobs, size_t count,
                          rml_sweep_job *out, rml_error *err)
{
    size_t done = count + 1 > c->window ? count + 1 - c->window : 0;
    history h = {c, jobs, count, done, RML_ARRAY(rml_tpe_seen), err};
    *out = (rml_sweep_job){.idle = true};
    rml_status st = promote(&h, out);
    if (st == RML_OK && out->idle) {
        st = propose(&h, out);
    }
    rml_array_reset(&h.seen);
    return st;
}
