// One thread that writes checkpoints from a copy: a step waits for the copying alone.
#include "saver.h"

#include <stdatomic.h>

struct rml_saver {
    rml_ahead *writer;
    rml_snapshot snapshot;
    rml_str folder;
    uint64_t offered, waited;
    atomic_bool failed;
    rml_status status; // of the last one, with its error
    rml_error error;
};

static void write_one(void *context, uint64_t task)
{
    (void)task;
    rml_saver *s = context;
    rml_status st = rml_checkpoint_save(s->folder, &s->snapshot, &s->error);
    s->status = st ? st : rml_checkpoint_prune(s->folder, &s->error);
    if (s->status != RML_OK) {
        atomic_store(&s->failed, true);
    }
}

rml_status rml_saver_make(rml_str folder, const rml_learner *l, rml_saver **out, rml_error *err)
{
    rml_saver *s = rml_heap_make(sizeof *s);
    *out = NULL;
    if (s == NULL) {
        return rml_fail_memory(err, sizeof *s);
    }
    s->folder = folder;
    rml_status st = rml_snapshot_make(&s->snapshot, l, err);
    st = st ? st : rml_ahead_make(1, 1, write_one, s, &s->writer, err);
    if (st != RML_OK) {
        rml_saver_free(s);
        return st;
    }
    *out = s;
    return RML_OK;
}

void rml_saver_free(rml_saver *s)
{
    if (s == NULL) {
        return;
    }
    rml_ahead_free(s->writer);
    rml_snapshot_free(&s->snapshot);
    rml_heap_free(s);
}

rml_status rml_saver_wait(rml_saver *s, rml_error *err)
{
    if (s->waited < s->offered) {
        rml_ahead_wait(s->writer, s->waited++);
    }
    if (s->status != RML_OK && err != NULL) {
        *err = s->error;
    }
    return s->status;
}

rml_status rml_saver_check(rml_saver *s, rml_error *err)
{
    return atomic_load(&s->failed) ? rml_saver_wait(s, err) : RML_OK;
}

rml_status rml_saver_save(rml_saver *s, const rml_learner *l, rml_str curve, rml_error *err)
{
    RML_TRY(rml_saver_wait(s, err));
    RML_TRY(rml_snapshot_take(&s->snapshot, l, curve, err));
    rml_ahead_offer(s->writer);
    s->offered++;
    return RML_OK;
}
