// One reader decides what comes next and takes results in order; workers do the jobs.
#include "play.h"

#include <string.h>

typedef struct slot {
    rml_sweep_job job;
    bool fresh; // to be trained, not known from before
    rml_status status;
    rml_error error;
} slot;

typedef struct player {
    const rml_sweep_config *config;
    const rml_array *known;
    size_t known_used;
    const rml_sweep_hooks *hooks;
    rml_array *jobs;
    size_t taken; // jobs below have their results
    size_t idle;  // in a row, the newest
    rml_ahead *ahead;
    slot *slots; // [window], by job
} player;

static slot *slot_of(player *p, uint64_t job)
{
    return &p->slots[job % p->config->window];
}

static void work(void *context, uint64_t task)
{
    player *p = context;
    slot *s = slot_of(p, task);
    if (s->fresh) {
        s->status = p->hooks->train(p->hooks->context, &s->job, &s->error);
        if (s->status != RML_OK) {
            p->hooks->failed(p->hooks->context);
        }
    }
}

// Takes the result of the oldest job under way.
static rml_status take(player *p, rml_error *err)
{
    slot *s = slot_of(p, p->taken);
    rml_ahead_wait(p->ahead, p->taken);
    if (s->status != RML_OK) {
        *err = s->error;
        return s->status;
    }
    *RML_AT(p->jobs, rml_sweep_job, p->taken) = s->job;
    p->taken++;
    return s->fresh ? p->hooks->done(p->hooks->context, &s->job, err) : RML_OK;
}

static rml_status replay(player *p, slot *s, rml_error *err)
{
    const rml_sweep_job *k = RML_AT(p->known, rml_sweep_job, p->known_used);
    size_t bytes = p->config->axis_count * sizeof *k->values;
    if (k->trial != s->job.trial || k->rung != s->job.rung ||
        memcmp(k->values, s->job.values, bytes) != 0) {
        return rml_fail(err, RML_ERR_DATA, (rml_place){0}, "remove its folder to begin again",
                        "expected job %zu of the sweep to be trial %u at rung %u with the settings "
                        "that follow from those before, found another",
                        p->known_used + 1, s->job.trial + 1, s->job.rung + 1);
    }
    p->known_used++;
    s->job = *k;
    s->fresh = false;
    return RML_OK;
}

static rml_status offer(player *p, rml_error *err)
{
    slot *s = slot_of(p, p->jobs->count);
    *s = (slot){.fresh = true};
    RML_TRY(rml_sweep_next(p->config, p->jobs->data, p->jobs->count, &s->job, err));
    p->idle = s->job.idle ? p->idle + 1 : 0;
    if (s->job.idle) {
        s->fresh = false;
    } else if (p->known_used < p->known->count) {
        RML_TRY(replay(p, s, err));
    }
    rml_sweep_job *job = rml_array_push(p->jobs, err);
    if (job == NULL) {
        return RML_ERR_MEMORY;
    }
    *job = s->job;
    rml_ahead_offer(p->ahead);
    return RML_OK;
}

static rml_status play(player *p, rml_error *err)
{
    while (p->idle < p->config->window) {
        if (p->jobs->count >= p->config->window) {
            RML_TRY(take(p, err));
        }
        RML_TRY(offer(p, err));
    }
    while (p->taken < p->jobs->count) {
        RML_TRY(take(p, err));
    }
    return RML_OK;
}

// What stopped the others says more than that they were stopped.
static rml_status first_cause(player *p, rml_status st, rml_error *err)
{
    for (size_t job = p->taken; st == RML_ERR_STOPPED && job < p->jobs->count; job++) {
        const slot *s = slot_of(p, job);
        if (s->status != RML_OK && s->status != RML_ERR_STOPPED) {
            *err = s->error;
            return s->status;
        }
    }
    return st;
}

rml_status rml_sweep_play(const rml_sweep_config *c, const rml_array *known, size_t threads,
                          const rml_sweep_hooks *hooks, rml_array *jobs, rml_error *err)
{
    player p = {.config = c, .known = known, .hooks = hooks, .jobs = jobs};
    p.slots = rml_heap_make(c->window * sizeof *p.slots);
    if (p.slots == NULL) {
        return rml_fail_memory(err, c->window * sizeof *p.slots);
    }
    rml_status st = rml_ahead_make(threads - 1, c->window, work, &p, &p.ahead, err);
    if (st == RML_OK) {
        st = play(&p, err);
        if (st != RML_OK) {
            hooks->failed(hooks->context);
        }
        rml_ahead_free(p.ahead);
        st = first_cause(&p, st, err);
    }
    rml_heap_free(p.slots);
    return st;
}
