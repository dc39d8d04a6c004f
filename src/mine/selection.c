// Selections in the catalog: put, and read back as the train split of a child version.
#include "roadmill/base/json.h"
#include "roadmill/codec.h"
#include "roadmill/mine.h"

static void write_selection(rml_json_writer *w, const rml_dataset *d, const rml_selection *s,
                            rml_arena *arena)
{
    const rml_dataset_scene *scenes = rml_dataset_scenes(d, s->from);
    const rml_mine_options *o = &s->options;
    rml_json_object(w);
    rml_json_kv_str(w, "format", RML_STR("roadmill-selection-1"));
    rml_json_kv_str(w, "version", s->version);
    rml_json_kv_str(w, "run", s->run);
    rml_json_kv_str(w, "from", rml_str_of(rml_split_name(s->from)));
    rml_json_kv_i64(w, "budget", (int64_t)o->budget);
    rml_json_kv_f64(w, "weight_loss", o->weight_loss);
    rml_json_kv_f64(w, "weight_disagreement", o->weight_disagreement);
    rml_json_kv_f64(w, "weight_novelty", o->weight_novelty);
    rml_json_kv_f64(w, "diversity", o->diversity);
    rml_json_kv_i64(w, "per_unit_max", (int64_t)o->per_unit_max);
    rml_json_kv_str(w, "seed", rml_arena_printf(arena, "%llu", (unsigned long long)o->seed));
    rml_json_key(w, "picks");
    rml_json_list(w);
    for (size_t i = 0; i < s->count; i++) {
        const rml_mine_pick *p = &s->picks[i];
        rml_json_object(w);
        rml_json_kv_str(w, "scene_id", rml_str_of(scenes[p->index].row.scene_id));
        rml_json_kv_i64(w, "family", scenes[p->index].family);
        rml_json_kv_f64(w, "score", (double)p->score);
        rml_json_kv_str(w, "reason", rml_str_of(p->reason));
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_json_object_end(w);
}

rml_status rml_selection_put(rml_catalog *catalog, const rml_dataset *d, const rml_selection *s,
                             rml_str name, rml_arena *arena, rml_str *hash, rml_error *err)
{
    if (s->from != RML_TRAIN && s->from != RML_DEV) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "--from dev",
                        "expected to pick from train or dev, found %s", rml_split_name(s->from));
    }
    rml_buffer text = {0}, body = {0};
    rml_json_writer w;
    rml_hash digest;
    char hex[RML_HASH_TEXT];
    rml_json_writer_init(&w, &text, err);
    write_selection(&w, d, s, arena);
    rml_status st = rml_json_seal(&w, &body, &digest, err);
    if (st == RML_OK) {
        rml_hash_text(&digest, hex);
        *hash = rml_arena_str(arena, rml_str_of(hex));
        rml_object_row row = {RML_STR("selection"), *hash, name, rml_buffer_text(&body),
                              rml_clock_unix_ns()};
        rml_edge edges[2] = {{*hash, s->version, RML_STR("picked-from")},
                             {*hash, s->run, RML_STR("scored-by")}};
        st = rml_catalog_begin(catalog, err);
        st = st ? st : rml_catalog_put(catalog, &row, err);
        for (int i = 0; i < 2 && st == RML_OK; i++) {
            st = rml_catalog_link(catalog, &edges[i], err);
        }
        st = st ? st : rml_catalog_commit(catalog, err);
        if (st) {
            rml_catalog_abort(catalog);
        }
    }
    rml_buffer_reset(&text);
    rml_buffer_reset(&body);
    return st;
}

static rml_status extend(const rml_dataset *d, const rml_json *picks, rml_arena *arena,
                         const rml_str **scene_ids, size_t *count, rml_error *err)
{
    size_t n = rml_dataset_count(d, RML_TRAIN), most = n + (picks ? picks->count : 0);
    rml_str *ids = RML_NEW_ARRAY(arena, rml_str, most + 1);
    if (ids == NULL) {
        return rml_fail_memory(err, most * sizeof *ids);
    }
    for (size_t i = 0; i < n; i++) {
        ids[i] = rml_arena_str(arena, rml_str_of(rml_dataset_scenes(d, RML_TRAIN)[i].row.scene_id));
    }
    for (const rml_json *e = picks ? picks->child : NULL; e != NULL; e = e->next) {
        rml_split split;
        size_t index;
        rml_str id = rml_json_get_str(e, "scene_id", RML_STR(""));
        if (!rml_dataset_find(d, id, &split, &index) || split != RML_TRAIN) {
            ids[n++] = id;
        }
    }
    *scene_ids = ids;
    *count = n;
    return RML_OK;
}

rml_status rml_selection_extend(rml_str home, rml_catalog *catalog, rml_str parent,
                                rml_str selection, rml_arena *arena, const rml_str **scene_ids,
                                size_t *count, rml_error *err)
{
    rml_object_row row;
    const rml_json *tree;
    rml_dataset *d = NULL;
    RML_TRY(rml_catalog_get(catalog, "selection", selection, arena, &row, err));
    RML_TRY(rml_json_parse(arena, row.body, row.hash, &tree, err));
    RML_TRY(rml_dataset_open(home, parent, &d, err));
    rml_status st = extend(d, rml_json_get(tree, "picks"), arena, scene_ids, count, err);
    rml_dataset_close(d);
    return st;
}
