// Pass 1 of making a version: windows of every recording, families, splits, and why a window is
// left out. Conservation: windows in = scenes + left out, by reason.
#include <assert.h>
#include <string.h>

#include "families.h"
#include "roadmill/query.h"
#include "split.h"
#include "version.h"

const char *const rml_left_out_names[RML_LEFT_REASONS] = {
    "query",           "repeated_clip",  "place",     "not_chosen",
    "held_out_family", "mined_from_dev", "time_step",
};

// What pass 1 looks things up in.
typedef struct plan {
    rml_version *v;
    rml_query *query;     // NULL: every window
    rml_map wanted;       // scene_ids -> 1 when it was found
    bool choose;          // scene_ids are given
    rml_speed_runs *runs; // of each recording
    uint64_t held_found;  // scenes of the parent's other splits that are still there
    rml_array matches;
} plan;

static rml_status list_recordings(rml_version *v, rml_lake *lake, rml_error *err)
{
    rml_array ids = RML_ARRAY(rml_str);
    rml_status st = rml_traffic_list(lake, &v->arena, &ids, err);
    const rml_dataset_spec *spec = v->spec;
    rml_map asked = {0};
    for (size_t i = 0; st == RML_OK && i < spec->recording_count; i++) {
        st = rml_map_put(&asked, spec->recordings[i], 0, err);
    }
    rml_str *kept = st ? NULL : RML_NEW_ARRAY(&v->arena, rml_str, ids.count + 1);
    st = st || kept ? st : rml_fail_memory(err, ids.count * sizeof *kept);
    for (size_t i = 0; st == RML_OK && i < ids.count; i++) {
        rml_str id = *RML_AT(&ids, rml_str, i);
        if (spec->recordings == NULL || rml_map_get(&asked, id, NULL)) {
            kept[v->count++] = id;
            st = spec->recordings ? rml_map_put(&asked, id, 1, err) : RML_OK;
        }
    }
    for (size_t i = 0; st == RML_OK && i < asked.count; i++) {
        if (asked.entries[i].value == 0) {
            st = rml_fail(err, RML_ERR_MISSING, (rml_place){0}, "roadmill recordings lists them",
                          "expected a recording with tracks, found none of id %.*s",
                          RML_FMT(asked.entries[i].key));
        }
    }
    if (st == RML_OK && v->count == 0) {
        st = rml_fail(err, RML_ERR_MISSING, (rml_place){0}, "roadmill ingest brings some in",
                      "expected recordings with tracks in the lake, found none");
    }
    rml_array_reset(&ids);
    rml_map_reset(&asked);
    v->recordings = st ? NULL : RML_NEW_ARRAY(&v->arena, rml_version_recording, v->count);
    v->order = st ? NULL : RML_NEW_ARRAY(&v->arena, uint32_t, v->count);
    if (st == RML_OK && (v->recordings == NULL || v->order == NULL)) {
        st = rml_fail_memory(err, v->count * sizeof *v->recordings);
    }
    for (size_t i = 0; st == RML_OK && i < v->count; i++) {
        v->recordings[i] = (rml_version_recording){.id = kept[i], .windows = RML_ARRAY(rml_fate)};
        v->order[i] = (uint32_t)i;
    }
    return st ? st : rml_source_open(&v->source, lake, kept, v->count, &v->arena, err);
}

// Where a window goes by its id: chosen, held by the parent, or as the rule says.
static rml_status fate_by_id(plan *p, const rml_cutter *cutter, rml_fate *fate, rml_error *err)
{
    rml_scene_row row;
    RML_TRY(rml_cutter_row(cutter, fate->window, &row, err));
    rml_str id = rml_str_of(row.scene_id);
    bool wanted = p->choose && rml_map_get(&p->wanted, id, NULL);
    rml_split held = RML_TRAIN;
    size_t index;
    bool in_parent = p->v->parent != NULL && rml_dataset_find(p->v->parent, id, &held, &index);
    if (wanted) {
        RML_TRY(rml_map_put(&p->wanted, id, 1, err));
        if (in_parent && held != RML_TRAIN && held != RML_DEV) {
            return rml_fail(err, RML_ERR_CONFLICT, (rml_place){0},
                            "choose scenes of train or dev only",
                            "expected scenes to train on, found %.12s in split %s of the parent",
                            row.scene_id, rml_split_name(held));
        }
        fate->split = p->v->parent != NULL ? RML_TRAIN : RML_FATE_RULE;
        p->held_found += in_parent && held == RML_DEV;
    } else if (in_parent && held != RML_TRAIN) {
        fate->split = (int32_t)held;
        p->held_found++;
    } else if (p->choose && p->v->parent != NULL) {
        fate->split = RML_FATE_OUT(RML_LEFT_NOT_CHOSEN);
    } else if (p->choose) {
        // Without a parent the choice narrows the train split alone; settled with the splits.
        fate->split =
            fate->split == RML_FATE_RULE ? RML_FATE_OUT(RML_LEFT_NOT_CHOSEN) : fate->split;
    } else if (in_parent) {
        fate->split = RML_TRAIN;
    }
    return RML_OK;
}

static rml_status add_windows(plan *p, const rml_traffic *traffic, rml_version_recording *r,
                              rml_error *err)
{
    rml_array windows = RML_ARRAY(rml_window);
    rml_query_count queried;
    rml_cutter *cutter = NULL;
    rml_status st = rml_scene_windows(traffic, &p->v->scene, &windows, err);
    bool by_id = p->choose || p->v->parent != NULL;
    if (st == RML_OK && windows.count > 0) {
        rml_array_clear(&p->matches);
        st = p->query ? rml_query_run(p->query, traffic, &p->matches, &queried, err) : RML_OK;
        st = st || !by_id ? st : rml_cutter_make(traffic, &p->v->scene, &cutter, err);
    }
    for (size_t i = 0; st == RML_OK && i < windows.count; i++) {
        rml_fate *fate = rml_array_push(&r->windows, err);
        if (fate == NULL) {
            st = RML_ERR_MEMORY;
            break;
        }
        rml_window w = *RML_AT(&windows, rml_window, i);
        int64_t t0 = traffic->tracks[w.track].states[w.now].t_ns;
        bool covered = p->query == NULL || rml_query_covers(&p->matches, w.track, t0);
        *fate = (rml_fate){w, covered ? RML_FATE_RULE : RML_FATE_OUT(RML_LEFT_QUERY)};
        st = by_id ? fate_by_id(p, cutter, fate, err) : RML_OK;
    }
    rml_cutter_free(cutter);
    rml_array_reset(&windows);
    return st;
}

static rml_str keep_text(plan *p, rml_str text, rml_status *st, rml_error *err)
{
    rml_str kept = rml_arena_str(&p->v->arena, text);
    if (kept.data == NULL && *st == RML_OK) {
        *st = rml_fail_memory(err, text.len);
    }
    return kept;
}

static rml_status look_at(plan *p, const rml_traffic *traffic, size_t index, rml_error *err)
{
    rml_version_recording *r = &p->v->recordings[index];
    rml_status st = RML_OK;
    r->drive_id = keep_text(p, traffic->drive_id, &st, err);
    r->place_id = keep_text(p, traffic->place_id, &st, err);
    r->licence = keep_text(p, traffic->licence, &st, err);
    r->step_ns = traffic->step_ns;
    r->ego_of_rows = traffic->ego_of_rows;
    r->start_ns = INT64_MAX;
    for (size_t i = 0; i < traffic->track_count; i++) {
        const rml_track *t = &traffic->tracks[i];
        if (t->count > 0 && t->states[0].t_ns < r->start_ns) {
            r->start_ns = t->states[0].t_ns;
        }
    }
    st = st ? st : rml_speed_runs_make(traffic, &p->runs[index], err);
    p->runs[index].recording_id = r->id;
    return st ? st : add_windows(p, traffic, r, err);
}

static rml_status look_at_all(plan *p, const rml_progress *progress, rml_error *err)
{
    rml_version *v = p->v;
    for (size_t i = 0; i < v->count; i++) {
        const rml_traffic *traffic;
        RML_TRY(rml_progress_check(progress, "looking at recordings", err));
        RML_TRY(rml_source_get(&v->source, v->order, v->count, i, &traffic, err));
        RML_TRY(look_at(p, traffic, i, err));
        rml_progress_report(progress, "windows", (double)(i + 1), (double)v->count, "recordings");
    }
    for (size_t i = 0; i < p->wanted.count; i++) {
        if (p->wanted.entries[i].value == 0) {
            return rml_fail(err, RML_ERR_MISSING, (rml_place){0}, NULL,
                            "expected scene %.*s in the lake, found no window of that id",
                            RML_FMT(p->wanted.entries[i].key));
        }
    }
    uint64_t held = 0;
    for (int s = RML_VALIDATION; v->parent != NULL && s < RML_SPLITS; s++) {
        held += rml_dataset_count(v->parent, (rml_split)s);
    }
    if (held != p->held_found) {
        return rml_fail(err, RML_ERR_CONFLICT, (rml_place){0}, NULL,
                        "expected the %llu held-out scenes of the parent in the lake, found %llu",
                        (unsigned long long)held, (unsigned long long)p->held_found);
    }
    return RML_OK;
}

// ---- The time step ------------------------------------------------------------------------------

// Windows that the query left in.
static uint64_t count_open(const rml_version_recording *r)
{
    uint64_t open = 0;
    for (size_t k = 0; k < r->windows.count; k++) {
        open += RML_AT(&r->windows, rml_fate, k)->split != RML_FATE_OUT(RML_LEFT_QUERY);
    }
    return open;
}

typedef struct step_tally {
    int64_t step_ns;
    uint64_t open;
} step_tally;

static rml_status tally_add(rml_array *steps, int64_t step_ns, uint64_t open, rml_error *err)
{
    for (size_t k = 0; k < steps->count; k++) {
        step_tally *t = RML_AT(steps, step_tally, k);
        if (t->step_ns == step_ns) {
            t->open += open;
            return RML_OK;
        }
    }
    step_tally *t = rml_array_push(steps, err);
    if (t == NULL) {
        return RML_ERR_MEMORY;
    }
    *t = (step_tally){step_ns, open};
    return RML_OK;
}

// A version has one time step: its parent's, else that of most windows, of equal ones the smaller.
static rml_status pick_step(rml_version *v, rml_error *err)
{
    rml_array steps = RML_ARRAY(step_tally);
    rml_status st = RML_OK;
    step_tally best = {0};
    for (size_t i = 0; st == RML_OK && v->parent == NULL && i < v->count; i++) {
        const rml_version_recording *r = &v->recordings[i];
        st = tally_add(&steps, r->step_ns, count_open(r), err);
    }
    for (size_t k = 0; k < steps.count; k++) {
        step_tally t = *RML_AT(&steps, step_tally, k);
        bool better = t.open > best.open || (t.open == best.open && t.step_ns < best.step_ns);
        best = k == 0 || better ? t : best;
    }
    rml_array_reset(&steps);
    v->step_ns = v->parent != NULL ? rml_dataset_step_ns(v->parent) : best.step_ns;
    return st;
}

static void leave_out_other_steps(rml_version *v)
{
    for (size_t i = 0; i < v->count; i++) {
        rml_version_recording *r = &v->recordings[i];
        for (size_t k = 0; k < r->windows.count && r->step_ns != v->step_ns; k++) {
            rml_fate *fate = RML_AT(&r->windows, rml_fate, k);
            bool open = fate->split != RML_FATE_OUT(RML_LEFT_QUERY);
            fate->split = open ? RML_FATE_OUT(RML_LEFT_TIME_STEP) : fate->split;
        }
    }
}

// ---- Splits ------------------------------------------------------------------------------------

static rml_status find_families(plan *p, rml_error *err)
{
    rml_version *v = p->v;
    rml_family *found = RML_NEW_ARRAY(&v->arena, rml_family, v->count);
    if (found == NULL) {
        return rml_fail_memory(err, v->count * sizeof *found);
    }
    RML_TRY(rml_families_group(p->runs, v->count, found, err));
    for (size_t i = 0; i < v->count; i++) {
        v->recordings[i].family = found[i];
    }
    return RML_OK;
}

static rml_status assign(plan *p, rml_error *err)
{
    rml_version *v = p->v;
    rml_split_item *items = RML_NEW_ARRAY(&v->arena, rml_split_item, v->count);
    if (items == NULL) {
        return rml_fail_memory(err, v->count * sizeof *items);
    }
    for (size_t i = 0; i < v->count; i++) {
        rml_version_recording *r = &v->recordings[i];
        bool dropped = v->spec->keep_one && !r->family.keep;
        items[i] = (rml_split_item){r->id,
                                    r->place_id,
                                    r->family.family,
                                    r->start_ns,
                                    r->windows.count > 0 && r->step_ns == v->step_ns && !dropped,
                                    RML_SPLIT_NONE};
    }
    RML_TRY(rml_split_assign(v->spec, items, v->count, err));
    for (size_t i = 0; i < v->count; i++) {
        v->recordings[i].split = items[i].split;
    }
    return RML_OK;
}

// With a parent: which families it holds out, and which of its dev gave scenes to train.
typedef struct family_marks {
    bool *held, *dev, *mined;
} family_marks;

static rml_status mark_families(const rml_version *v, rml_arena *arena, family_marks *out,
                                rml_error *err)
{
    out->held = RML_NEW_ARRAY(arena, bool, v->count);
    out->dev = RML_NEW_ARRAY(arena, bool, v->count);
    out->mined = RML_NEW_ARRAY(arena, bool, v->count);
    if (out->held == NULL || out->dev == NULL || out->mined == NULL) {
        return rml_fail_memory(err, v->count);
    }
    for (size_t i = 0; i < v->count; i++) {
        const rml_version_recording *r = &v->recordings[i];
        for (size_t k = 0; k < r->windows.count; k++) {
            int split = RML_AT(&r->windows, rml_fate, k)->split;
            out->held[r->family.family] |= split > RML_TRAIN && split != RML_DEV;
            out->dev[r->family.family] |= split == RML_DEV;
            out->mined[r->family.family] |= split == RML_TRAIN;
        }
    }
    return RML_OK;
}

static int32_t settle_with_parent(const rml_version *v, const rml_version_recording *r,
                                  int32_t split, const family_marks *marks)
{
    uint32_t f = r->family.family;
    if (split == RML_DEV && marks->mined[f]) {
        return RML_FATE_OUT(RML_LEFT_MINED);
    }
    if (split != RML_FATE_RULE) {
        return split;
    }
    if (marks->held[f] || marks->dev[f]) {
        return RML_FATE_OUT(RML_LEFT_HELD_OUT);
    }
    return v->spec->keep_one && !r->family.keep ? RML_FATE_OUT(RML_LEFT_REPEATED_CLIP) : RML_TRAIN;
}

static int32_t settle_by_rule(const rml_version *v, const rml_version_recording *r, int32_t split)
{
    if (split == RML_FATE_OUT(RML_LEFT_QUERY) || split == RML_FATE_OUT(RML_LEFT_TIME_STEP)) {
        return split;
    }
    if (v->spec->keep_one && !r->family.keep) {
        return RML_FATE_OUT(RML_LEFT_REPEATED_CLIP);
    }
    if (r->split == RML_SPLIT_NONE) {
        return RML_FATE_OUT(RML_LEFT_PLACE);
    }
    bool not_chosen = split == RML_FATE_OUT(RML_LEFT_NOT_CHOSEN);
    return not_chosen && r->split == RML_TRAIN ? split : r->split;
}

static rml_status settle(plan *p, rml_error *err)
{
    rml_version *v = p->v;
    rml_arena arena = {0};
    family_marks marks = {0};
    rml_status st = v->parent ? mark_families(v, &arena, &marks, err) : assign(p, err);
    for (size_t i = 0; st == RML_OK && i < v->count; i++) {
        rml_version_recording *r = &v->recordings[i];
        uint64_t scenes = 0;
        for (size_t k = 0; k < r->windows.count; k++) {
            rml_fate *fate = RML_AT(&r->windows, rml_fate, k);
            fate->split = v->parent ? settle_with_parent(v, r, fate->split, &marks)
                                    : settle_by_rule(v, r, fate->split);
            v->windows_in++;
            if (fate->split >= 0) {
                r->counts[fate->split]++;
                v->counts[fate->split]++;
                scenes++;
            } else {
                v->left_out[-2 - fate->split]++;
            }
        }
        v->scenes += scenes;
    }
    rml_arena_reset(&arena);
    return st;
}

static rml_status count_families(rml_version *v, rml_error *err)
{
    rml_arena arena = {0};
    bool *seen = RML_NEW_ARRAY(&arena, bool, v->count);
    if (seen == NULL) {
        return rml_fail_memory(err, v->count);
    }
    for (size_t i = 0; i < v->count; i++) {
        const rml_version_recording *r = &v->recordings[i];
        uint64_t scenes = 0;
        for (int s = 0; s < RML_SPLITS; s++) {
            scenes += r->counts[s];
        }
        if (scenes > 0 && !seen[r->family.family]) {
            seen[r->family.family] = true;
            v->families++;
        }
    }
    rml_arena_reset(&arena);
    return RML_OK;
}

static rml_status plan_all(plan *p, rml_lake *lake, const rml_progress *progress, rml_error *err)
{
    rml_version *v = p->v;
    const rml_dataset_spec *spec = v->spec;
    RML_TRY(list_recordings(v, lake, err));
    p->runs = RML_NEW_ARRAY(&v->arena, rml_speed_runs, v->count);
    if (p->runs == NULL) {
        return rml_fail_memory(err, v->count * sizeof *p->runs);
    }
    if (spec->query.len > 0) {
        RML_TRY(rml_query_compile(spec->query, RML_STR("--query"), &p->query, err));
    }
    for (size_t i = 0; i < spec->scene_id_count; i++) {
        RML_TRY(rml_map_put(&p->wanted, spec->scene_ids[i], 0, err));
    }
    RML_TRY(look_at_all(p, progress, err));
    RML_TRY(find_families(p, err));
    RML_TRY(pick_step(v, err));
    leave_out_other_steps(v);
    RML_TRY(settle(p, err));
    uint64_t out = 0;
    for (int reason = 0; reason < RML_LEFT_REASONS; reason++) {
        out += v->left_out[reason];
    }
    assert(v->windows_in == v->scenes + out);
    if (v->scenes == 0) {
        return rml_fail(err, RML_ERR_MISSING, (rml_place){0}, NULL,
                        "expected scenes for the version, found none: %llu windows, %llu left out "
                        "by the query, %llu by place",
                        (unsigned long long)v->windows_in,
                        (unsigned long long)v->left_out[RML_LEFT_QUERY],
                        (unsigned long long)v->left_out[RML_LEFT_PLACE]);
    }
    return count_families(v, err);
}

static rml_status choose_cutter(rml_version *v, rml_error *err)
{
    const rml_scene_cutter *const *all;
    rml_scene_cutters(&all);
    const rml_scene_cutter *of_parent = v->parent ? rml_dataset_cutter(v->parent) : all[0];
    v->cutter = v->spec->cutter ? v->spec->cutter : of_parent;
    if (v->cutter == NULL || (v->parent != NULL && v->cutter != of_parent)) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected the cutter of the parent version (%s), found %s",
                        of_parent ? of_parent->name : "one that this program does not have",
                        v->cutter ? v->cutter->name : "none");
    }
    v->tensors = rml_scene_layout(v->cutter, &v->scene, v->info);
    return RML_OK;
}

rml_status rml_version_plan(rml_version *v, rml_lake *lake, const rml_dataset_spec *spec,
                            rml_dataset *parent, const rml_progress *progress, rml_error *err)
{
    *v = (rml_version){.spec = spec, .parent = parent};
    v->scene = parent != NULL ? *rml_dataset_scene_spec(parent) : spec->scene;
    rml_scene_spec_defaults(&v->scene);
    RML_TRY(choose_cutter(v, err));
    plan p = {.v = v, .choose = spec->scene_ids != NULL, .matches = RML_ARRAY(rml_match)};
    rml_status st = plan_all(&p, lake, progress, err);
    rml_query_free(p.query);
    rml_array_reset(&p.matches);
    rml_map_reset(&p.wanted);
    for (size_t i = 0; p.runs != NULL && i < v->count; i++) {
        rml_speed_runs_reset(&p.runs[i]);
    }
    return st;
}

void rml_version_reset(rml_version *v)
{
    for (size_t i = 0; v->recordings != NULL && i < v->count; i++) {
        rml_array_reset(&v->recordings[i].windows);
    }
    if (v->source.lake != NULL) {
        rml_source_close(&v->source);
    }
    rml_arena_reset(&v->arena);
    *v = (rml_version){0};
}
