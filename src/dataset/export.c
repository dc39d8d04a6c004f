// A version for others: SPLIT.parquet for each split (the columns of scenes.parquet, then each
// tensor as a list of float32 in row-major order) and manifest.json, which has the shapes.
#include <string.h>

#include "roadmill/parquet.h"
#include "roadmill/store.h"
#include "version.h"

#define ROWS_AT_ONCE 256
#define SCENE_COLUMNS 17

static rml_status append_tensor(rml_column *c, const float *values, size_t count, rml_error *err)
{
    // Whole runs of values at once: what rml_column_value does one by one.
    rml_column *element = &c->children[0];
    RML_TRY(rml_buffer_append(&element->values, values, count * sizeof *values, err));
    element->count += count;
    return rml_column_list_end(c, err);
}

static rml_status write_split(const rml_dataset *d, rml_split split, rml_schema schema,
                              const size_t sizes[RML_SCENE_TENSORS], const char *path,
                              rml_error *err)
{
    rml_parquet_writer *writer = NULL;
    rml_batch batch = {0}, scenes = {0};
    rml_parquet_options options = {.row_group_rows = 4096};
    rml_parquet_result result;
    rml_status st = rml_batch_init(&batch, schema, err);
    // The first columns are filled as those of scenes.parquet are.
    scenes.schema = rml_version_scenes_schema();
    scenes.columns = batch.columns;
    st = st ? st : rml_parquet_open(path, schema, &options, &writer, err);
    size_t count = rml_dataset_count(d, split);
    for (size_t i = 0; st == RML_OK && i < count; i++) {
        const float *tensors[RML_SCENE_TENSORS];
        rml_dataset_sample(d, split, i, tensors);
        scenes.count = batch.count;
        st = rml_row_append(&scenes, &rml_dataset_scenes(d, split)[i], err);
        for (size_t t = 0; st == RML_OK && t < RML_SCENE_TENSORS; t++) {
            st = append_tensor(&batch.columns[SCENE_COLUMNS + t], tensors[t], sizes[t], err);
        }
        st = st ? st : rml_batch_row_end(&batch, err);
        if (st == RML_OK && (batch.count == ROWS_AT_ONCE || i + 1 == count)) {
            st = rml_parquet_write(writer, &batch, err);
            rml_batch_clear(&batch);
        }
    }
    st = st ? st : rml_parquet_commit(writer, &result, err);
    rml_parquet_close(writer);
    rml_batch_reset(&batch);
    return st;
}

rml_status rml_dataset_export(const rml_dataset *d, const char *folder, rml_error *err)
{
    static const rml_field element = RML_FIELD("element", RML_TYPE_F32, RML_REQUIRED);
    rml_field fields[SCENE_COLUMNS + RML_SCENE_TENSORS];
    rml_tensor_info info[RML_SCENE_TENSORS];
    size_t sizes[RML_SCENE_TENSORS];
    rml_schema scenes = rml_version_scenes_schema();
    _Static_assert(SCENE_COLUMNS == 17, "as many as rml_version_scenes_schema has");
    memcpy(fields, scenes.fields, SCENE_COLUMNS * sizeof fields[0]);
    rml_scene_layout(rml_dataset_scene_spec(d), info);
    for (size_t t = 0; t < RML_SCENE_TENSORS; t++) {
        fields[SCENE_COLUMNS + t] = (rml_field){.name = rml_str_of(info[t].name),
                                                .type = RML_TYPE_LIST,
                                                .children = &element,
                                                .child_count = 1};
        sizes[t] = 1;
        for (uint32_t axis = 0; axis < info[t].rank; axis++) {
            sizes[t] *= info[t].shape[axis];
        }
    }
    rml_schema schema = {fields, SCENE_COLUMNS + RML_SCENE_TENSORS};
    rml_arena arena = {0};
    rml_status st = rml_store_folder_make(rml_str_of(folder), err);
    for (int s = 0; st == RML_OK && s < RML_SPLITS; s++) {
        rml_str path =
            rml_arena_printf(&arena, "%s/%s.parquet", folder, rml_split_name((rml_split)s));
        st = path.data == NULL ? rml_fail_memory(err, 64)
             : rml_dataset_count(d, (rml_split)s) == 0
                 ? RML_OK
                 : write_split(d, (rml_split)s, schema, sizes, path.data, err);
    }
    rml_str path = rml_arena_printf(&arena, "%s/manifest.json", folder);
    if (st == RML_OK) {
        st = path.data ? rml_store_put(path, rml_bytes_of_str(rml_dataset_manifest(d)), err)
                       : rml_fail_memory(err, 64);
    }
    rml_arena_reset(&arena);
    return st;
}
