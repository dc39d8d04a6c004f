// The table of baselines that tasks name. Those of motion stand in the table of `model`.
#include "stands.h"

#include <string.h>

#define MODES 6

static const rml_baseline_kind *motion_kind(const char *name)
{
    size_t count;
    const rml_baseline_kind *kinds = rml_baseline_kinds(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

static rml_pasts pasts_of(const rml_split_arrays *a, bool with_target)
{
    return (rml_pasts){a->count, a->history,    a->steps,
                       a->dt_s,  a->history_xy, with_target ? a->target_xy : NULL};
}

static rml_status motion(const char *name, const rml_split_arrays *train,
                         const rml_split_arrays *of, uint64_t seed, rml_pool *pool,
                         rml_forecast *out, rml_error *err)
{
    const rml_baseline_kind *kind = motion_kind(name);
    rml_pasts fit = pasts_of(train, true), pasts = pasts_of(of, false);
    rml_baseline *fitted = NULL;
    RML_TRY(rml_baseline_fit(kind, &fit, MODES, seed, pool, &fitted, err));
    rml_status st = rml_forecast_make(out, of->count, kind->blind ? MODES : 1, of->steps, err);
    st = st ? st : rml_baseline_predict(fitted, &pasts, out, err);
    rml_baseline_free(fitted);
    return st;
}

static const rml_eval_baseline baselines[] = {
    {NULL, false, motion}, // every kind of `model`, under its own name
    {"stands_never", false, rml_stands_never},
    {"stands_blind", true, rml_stands_blind},
};

bool rml_eval_baseline_find(const char *name, rml_eval_baseline *out)
{
    const rml_baseline_kind *kind = motion_kind(name);
    for (size_t i = 0; i < sizeof baselines / sizeof *baselines; i++) {
        *out = baselines[i];
        if (out->name == NULL && kind != NULL) {
            out->name = kind->name;
            out->blind = kind->blind;
            return true;
        }
        if (out->name != NULL && strcmp(out->name, name) == 0) {
            return true;
        }
    }
    return false;
}
