// A version for others: SPLIT.parquet for each split (the columns of scenes.parquet, then each
// tensor as a list of its values in row-major order) and manifest.json, which has the shapes.
#include <assert.h>
#include <string.h>

#include "roadmill/parquet.h"
#include "roadmill/store.h"
#include "version.h"

#define ROWS_AT_ONCE 256
#define SCENE_COLUMNS 17

// The columns of each element type: what Parquet has, else what holds every value exactly.
static const rml_type column_types[RML_ELEMENTS] = {
    [RML_ELEMENT_F32] = RML_TYPE_F32,  [RML_ELEMENT_F16] = RML_TYPE_F32,
    [RML_ELEMENT_BF16] = RML_TYPE_F32, [RML_ELEMENT_U8] = RML_TYPE_I16,
    [RML_ELEMENT_I32] = RML_TYPE_I32,  [RML_ELEMENT_I64] = RML_TYPE_I64,
};

static rml_status append_tensor(rml_column *c, const rml_tensor_info *info, rml_tensor_view view,
                                rml_error *err)
{
    // Whole runs of values at once: what rml_column_value does one by one.
    static const size_t sizes[] = {
        [RML_TYPE_F32] = 4, [RML_TYPE_I16] = 2, [RML_TYPE_I32] = 4, [RML_TYPE_I64] = 8};
    rml_column *element = &c->children[0];
    size_t row, whole;
    bool fits = rml_tensor_info_size(info, &row, &whole);
    assert(fits); // it was opened
    (void)fits;
    size_t count = view.rows * (row / rml_element_size(info->element));
    uint8_t *to = rml_buffer_add(&element->values, count * sizes[element->type], err);
    if (to == NULL) {
        return RML_ERR_MEMORY;
    }
    if (element->type == RML_TYPE_F32) {
        rml_elements_to_f32(info->element, view.data, count, (float *)(void *)to);
    } else if (element->type == RML_TYPE_I16) {
        for (size_t i = 0; i < count; i++) {
            rml_save_u16(to + 2 * i, ((const uint8_t *)view.data)[i]);
        }
    } else {
        memcpy(to, view.data, count * sizes[element->type]);
    }
    element->count += count;
    return rml_column_list_end(c, err);
}

static rml_status write_split(const rml_dataset *d, rml_split split, rml_schema schema,
                              const char *path, rml_error *err)
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
    const rml_tensor_info *info;
    size_t count = rml_dataset_count(d, split), tensors = rml_dataset_tensors(d, &info);
    for (size_t i = 0; st == RML_OK && i < count; i++) {
        scenes.count = batch.count;
        st = rml_row_append(&scenes, &rml_dataset_scenes(d, split)[i], err);
        for (size_t t = 0; st == RML_OK && t < tensors; t++) {
            st = append_tensor(&batch.columns[SCENE_COLUMNS + t], &info[t],
                               rml_dataset_tensor(d, split, i, t), err);
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
    rml_field elements[RML_TENSORS_MAX], fields[SCENE_COLUMNS + RML_TENSORS_MAX];
    const rml_tensor_info *info;
    size_t tensors = rml_dataset_tensors(d, &info);
    rml_schema scenes = rml_version_scenes_schema();
    _Static_assert(SCENE_COLUMNS == 17, "as many as rml_version_scenes_schema has");
    memcpy(fields, scenes.fields, SCENE_COLUMNS * sizeof fields[0]);
    for (size_t t = 0; t < tensors; t++) {
        elements[t] =
            (rml_field){.name = RML_STR("element"), .type = column_types[info[t].element]};
        fields[SCENE_COLUMNS + t] = (rml_field){.name = rml_str_of(info[t].name),
                                                .type = RML_TYPE_LIST,
                                                .children = &elements[t],
                                                .child_count = 1};
    }
    rml_schema schema = {fields, SCENE_COLUMNS + tensors};
    rml_arena arena = {0};
    rml_status st = rml_store_folder_make(rml_str_of(folder), err);
    for (int s = 0; st == RML_OK && s < RML_SPLITS; s++) {
        rml_str path =
            rml_arena_printf(&arena, "%s/%s.parquet", folder, rml_split_name((rml_split)s));
        st = path.data == NULL ? rml_fail_memory(err, 64)
             : rml_dataset_count(d, (rml_split)s) == 0
                 ? RML_OK
                 : write_split(d, (rml_split)s, schema, path.data, err);
    }
    rml_str path = rml_arena_printf(&arena, "%s/manifest.json", folder);
    if (st == RML_OK) {
        st = path.data ? rml_store_put(path, rml_bytes_of_str(rml_dataset_manifest(d)), err)
                       : rml_fail_memory(err, 64);
    }
    rml_arena_reset(&arena);
    return st;
}
