// Steps that make data: sources into the lake, the dataset version with its leak check.
#include "plan.h"

#include "roadmill/drive.h"

// What the lake says of all its recordings: sums, licences, origin. From the tables, not from this
// run, so that a turn that went on after a kill tells the whole. A recording of messages has a
// ledger of channels; the others are scenarios, whose messages are states. The states of objects in
// messages and the ego are made of rows of their tables: what they were made of is what became rows
// there or rejects.
static const char totals[] =
    "WITH r AS (SELECT *, json_exists(ledger, '$.channels') AS logged FROM recordings), "
    "o AS (SELECT (%s)::BIGINT AS rows, (%s)::BIGINT AS rejects), "
    "e AS (SELECT (%s)::BIGINT AS rows, (%s)::BIGINT AS rejects) "
    "SELECT count(*) AS recordings,"
    " coalesce(sum(bytes), 0)::BIGINT AS bytes,"
    " coalesce(sum(bytes - bytes_lost), 0)::BIGINT AS bytes_kept,"
    " coalesce(sum(bytes_lost), 0)::BIGINT AS bytes_lost,"
    " coalesce(sum(messages) FILTER (logged), 0)::BIGINT AS messages,"
    " coalesce(sum(rows + blobs) FILTER (logged), 0)::BIGINT AS message_rows,"
    " coalesce(sum(rejects) FILTER (logged), 0)::BIGINT AS message_rejects,"
    " (coalesce(sum(messages) FILTER (NOT logged), 0) + (SELECT rows + rejects FROM o))::BIGINT AS "
    "states,"
    " (coalesce(sum(rows) FILTER (NOT logged), 0) + (SELECT rows FROM o))::BIGINT AS state_rows,"
    " (coalesce(sum(rejects) FILTER (NOT logged), 0) + (SELECT rejects FROM o))::BIGINT AS "
    "state_rejects,"
    " (SELECT rows + rejects FROM e)::BIGINT AS ego_inputs,"
    " (SELECT rows FROM e)::BIGINT AS ego_rows,"
    " (SELECT rejects FROM e)::BIGINT AS ego_rejects,"
    " string_agg(DISTINCT coalesce(licence, 'not stated'), ', ' ORDER BY coalesce(licence, 'not "
    "stated')) AS licences,"
    " CASE WHEN bool_and(coalesce(logger, '') LIKE '%%synth%%') THEN 'made by roadmill synth'"
    " WHEN bool_or(coalesce(logger, '') LIKE '%%synth%%') THEN 'partly recorded, partly made'"
    " ELSE 'recorded' END AS origin"
    " FROM r";

// SQL that counts rows of a table; 0 where nothing made it yet.
static rml_status counted(rml_turn *t, const char *table, const char *sql, const char **out,
                          rml_error *err)
{
    rml_lake_table found;
    rml_status st = rml_lake_table_get(t->home->lake, table, &found, err);
    *out = st == RML_OK ? sql : "0";
    return st == RML_ERR_MISSING ? RML_OK : st;
}

static rml_status totals_ask(rml_turn *t, rml_rows **rows, rml_error *err)
{
    const char *objects, *object_rejects, *ego, *ego_rejects;
    RML_TRY(counted(t, "tracks",
                    "SELECT count(*) FROM tracks JOIN r USING (recording_id) WHERE logged",
                    &objects, err));
    RML_TRY(
        counted(t, "track_rejects", "SELECT count(*) FROM track_rejects", &object_rejects, err));
    RML_TRY(counted(t, "ego", "SELECT count(*) FROM ego", &ego, err));
    RML_TRY(counted(t, "ego_rejects", "SELECT count(*) FROM ego_rejects", &ego_rejects, err));
    rml_str sql = rml_arena_printf(t->arena, totals, objects, object_rejects, ego, ego_rejects);
    return sql.data != NULL ? rml_lake_sql(t->home->lake, sql, rows, err)
                            : rml_fail_memory(err, sizeof totals);
}

static rml_status write_totals(rml_turn *t, rml_json_writer *w, rml_error *err)
{
    rml_rows *rows = NULL;
    rml_batch batch = {0};
    RML_TRY(totals_ask(t, &rows, err));
    rml_status st = rml_rows_all(rows, 1, &batch, err);
    for (size_t i = 0; !st && i < batch.schema.count; i++) {
        const rml_column *column = &batch.columns[i];
        rml_str name = rml_arena_str(t->arena, batch.schema.fields[i].name);
        if (name.data == NULL) {
            st = rml_fail_memory(err, batch.schema.fields[i].name.len);
        } else if (column->type == RML_TYPE_STRING) {
            rml_json_kv_str(w, name.data, rml_column_get_str(column, 0));
        } else {
            rml_json_kv_i64(w, name.data, rml_column_get_i64(column, 0));
        }
    }
    rml_batch_reset(&batch);
    rml_rows_close(rows);
    return st;
}

static rml_status write_tables(rml_turn *t, rml_json_writer *w, rml_error *err)
{
    rml_array tables = RML_ARRAY(rml_lake_table);
    rml_status st = rml_lake_tables(t->home->lake, t->arena, &tables, err);
    rml_json_key(w, "tables");
    rml_json_object(w);
    for (size_t i = 0; !st && i < tables.count; i++) {
        const rml_lake_table *table = RML_AT(&tables, rml_lake_table, i);
        char state[RML_HASH_TEXT];
        rml_hash_text(&table->state, state);
        rml_str name = rml_arena_str(t->arena, table->name);
        if (name.data == NULL) {
            st = rml_fail_memory(err, table->name.len);
            break;
        }
        // Answers of queries and scenes that somebody saved are no input of a version.
        if (!rml_str_equal(name, RML_STR("events")) && !rml_str_equal(name, RML_STR("scenes"))) {
            rml_json_kv_str(w, name.data, rml_str_of(state));
        }
    }
    rml_json_object_end(w);
    rml_array_reset(&tables);
    return st;
}

rml_status rml_step_ingest(rml_turn *t, rml_json_writer *w, rml_error *err)
{
    rml_source_sums sums;
    RML_TRY(rml_ingest_sources(t->home->lake, t->sources, t->source_count, t->options, NULL, NULL,
                               t->progress, &sums, err));
    RML_TRY(write_totals(t, w, err));
    return write_tables(t, w, err);
}

static rml_status write_version(rml_json_writer *w, const rml_dataset_result *made, rml_error *err)
{
    if (made->windows_in != made->scenes + made->left_out) {
        return rml_fail(err, RML_ERR_CONFLICT, (rml_place){0}, NULL,
                        "expected windows = scenes + left out, found %llu = %llu + %llu",
                        (unsigned long long)made->windows_in, (unsigned long long)made->scenes,
                        (unsigned long long)made->left_out);
    }
    rml_json_kv_str(w, "version", rml_str_of(made->hash));
    rml_json_kv_i64(w, "windows", (int64_t)made->windows_in);
    rml_json_kv_i64(w, "scenes", (int64_t)made->scenes);
    rml_json_kv_i64(w, "left_out", (int64_t)made->left_out);
    rml_json_kv_i64(w, "recordings", (int64_t)made->recordings);
    rml_json_kv_i64(w, "families", (int64_t)made->families);
    rml_json_key(w, "counts");
    rml_json_object(w);
    for (int s = 0; s < RML_SPLITS; s++) {
        rml_json_kv_i64(w, rml_split_name((rml_split)s), (int64_t)made->counts[s]);
    }
    rml_json_object_end(w);
    return RML_OK;
}

rml_status rml_step_dataset(rml_turn *t, rml_json_writer *w, rml_error *err)
{
    rml_dataset_result made;
    RML_TRY(rml_dataset_create(t->home->store, t->home->lake, t->home->catalog, &t->config->dataset,
                               t->pool, t->progress, &made, err));
    RML_TRY(write_version(w, &made, err));
    rml_dataset *d = NULL;
    RML_TRY(rml_dataset_open(t->home->store, rml_str_of(made.hash), &d, err));
    rml_leak_report leaks;
    rml_status st = rml_dataset_leaks(d, t->home->lake, &leaks, err);
    rml_dataset_close(d);
    RML_TRY(st);
    rml_json_key(w, "leaks");
    rml_leak_report_write(&leaks, w);
    return RML_OK;
}

// The child version: the scenes that the parent trains on and those that were picked from dev.
static rml_status child_scenes(rml_turn *t, const rml_dataset *d, rml_array *ids, rml_error *err)
{
    const rml_dataset_scene *train = rml_dataset_scenes(d, RML_TRAIN);
    size_t count = rml_dataset_count(d, RML_TRAIN);
    const rml_json *picks = rml_json_get(t->results[RML_STEP_MINE], "picks");
    rml_str *id = rml_array_push_many(ids, count + (picks == NULL ? 0 : picks->count), err);
    if (id == NULL) {
        return RML_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        *id++ = rml_str_of(train[i].row.scene_id);
    }
    for (const rml_json *pick = picks == NULL ? NULL : picks->child; pick; pick = pick->next) {
        *id++ = rml_json_get_str(pick, "scene_id", (rml_str){0});
    }
    return RML_OK;
}

rml_status rml_step_child(rml_turn *t, rml_json_writer *w, rml_error *err)
{
    rml_dataset *d = NULL;
    rml_array ids = RML_ARRAY(rml_str);
    rml_dataset_result made = {0};
    rml_dataset_spec spec = t->config->dataset;
    spec.parent = rml_turn_text(t, RML_STEP_DATASET, "version");
    rml_status st = rml_dataset_open(t->home->store, spec.parent, &d, err);
    if (!st) {
        st = child_scenes(t, d, &ids, err);
    }
    if (!st) {
        spec.scene_ids = ids.data;
        spec.scene_id_count = ids.count;
        st = rml_dataset_create(t->home->store, t->home->lake, t->home->catalog, &spec, t->pool,
                                t->progress, &made, err);
    }
    rml_array_reset(&ids);
    rml_dataset_close(d);
    RML_TRY(st);
    RML_TRY(write_version(w, &made, err));
    RML_TRY(rml_dataset_open(t->home->store, rml_str_of(made.hash), &d, err));
    rml_train_result run;
    st = rml_train_run(t->home->store, t->home->catalog, d, &t->config->train, t->pool, t->progress,
                       &run, err);
    rml_dataset_close(d);
    RML_TRY(st);
    rml_json_kv_str(w, "run", rml_str_of(run.run));
    rml_json_kv_str(w, "weights", rml_str_of(run.weights));
    return RML_OK;
}
