// train: a training that cannot go on, told by step, op, samples and scene.
#include "fault.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

// Where a sample is from, in words; its index alone where the scenes' names cannot be read, so that
// the fault itself is told all the same.
typedef struct origin {
    char text[256];
} origin;

static origin origin_of(const rml_learner *l, size_t index)
{
    const rml_loader *o = &l->loader;
    rml_sample_ref ref = rml_loader_at(o, o->position - l->engine.config.batch + index);
    origin out;
    if (rml_dataset_read_scenes(o->dataset, NULL) != RML_OK) {
        snprintf(out.text, sizeof out.text, "sample %zu of %s", (size_t)ref.index,
                 rml_split_name(ref.split));
        return out;
    }
    const rml_scene_row *scene = &rml_dataset_scenes(o->dataset, ref.split)[ref.index].row;
    snprintf(out.text, sizeof out.text,
             "scene %.12s of recording %.*s, track %.*s at %" PRId64 " ns", scene->scene_id,
             RML_FMT(scene->recording_id), RML_FMT(scene->track_id), scene->t0_ns);
    return out;
}

// A sample in all rows of a leaf.
static rml_status put_alone(const rml_learner *l, size_t index, rml_error *err)
{
    const rml_engine *e = &l->engine;
    for (uint32_t row = 0; row < e->batch; row++) {
        RML_TRY(rml_learner_put(l, e->plan, index, row, err));
    }
    return RML_OK;
}

rml_status rml_fault_not_finite(const rml_augment *a, const char *what, rml_error *err)
{
    const rml_learner *l = a->l;
    static const char REMEDY[] = "roadmill recordings show RECORDING tells where it is from; lower "
                                 "learning_rate if it is most of the batch";
    const rml_engine *e = &l->engine;
    const char *first_op = NULL;
    size_t found = 0, first = 0;
    for (size_t index = 0; index < e->config.batch; index++) {
        RML_TRY(put_alone(l, index, err));
        const char *op = rml_plan_first_not_finite(e->plan);
        if (op != NULL && found++ == 0) {
            first_op = op;
            first = index;
        }
    }
    if (found == 0) {
        return rml_fail(err, RML_ERR_DATA, (rml_place){0}, "lower learning_rate",
                        "expected a finite %s, found none at step %" PRIu64
                        ": in the sum over the batch, no sample alone",
                        what, l->step + 1);
    }
    return rml_fail(err, RML_ERR_DATA, (rml_place){0}, REMEDY,
                    "expected a finite %s, found none at step %" PRIu64 ": op \"%s\" first, in %zu "
                    "of %u samples, first in %s",
                    what, l->step + 1, first_op, found, e->config.batch, origin_of(l, first).text);
}

rml_status rml_fault_exploded(const rml_augment *a, double loss, double first, rml_error *err)
{
    const rml_learner *l = a->l;
    const rml_engine *e = &l->engine;
    size_t largest = 0;
    double most = -INFINITY;
    for (size_t index = 0; index < e->config.batch; index++) {
        RML_TRY(put_alone(l, index, err));
        rml_plan_run(e->plan, NULL);
        float sum;
        RML_TRY(rml_plan_get(e->plan, rml_plan_whole(e->plan, e->model.loss_sum), &sum, err));
        if ((double)sum > most) {
            most = (double)sum;
            largest = index;
        }
    }
    return rml_fail(err, RML_ERR_DATA, (rml_place){0},
                    "lower learning_rate or clip_norm and train again",
                    "expected a loss near that of the first steps (%.4g), found %.4g at step "
                    "%" PRIu64 " (gradient norm %.4g): largest in %s: %.4g",
                    first, loss, l->step, l->norm, origin_of(l, largest).text, most / e->batch);
}
