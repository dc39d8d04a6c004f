// Indexes and footer of a Parquet file, and the statistics of the whole file for Delta's log.
//
// Source: Apache Parquet format 2.10, parquet.thrift: FileMetaData, PageIndex.md.
#include "roadmill/base/json.h"

#include "parquet_file.h"
#include "thrift.h"

// ---- Indexes -----------------------------------------------------------------------------------

// The column index needs bounds for each page that has a value: without one there is none.
static bool has_column_index(const rml_parquet_writer *w, const rml_chunk *chunk)
{
    for (size_t i = 0; i < chunk->page_count; i++) {
        const rml_page *page = RML_AT(&w->pages, rml_page, chunk->first_page + i);
        if (page->range.nulls < page->entries && !rml_range_has(&page->range)) {
            return false;
        }
    }
    return true;
}

static void put_bounds(rml_thrift *t, const rml_page *pages, size_t count, rml_type type, bool high)
{
    rml_thrift_list(t, high ? 3 : 2, RML_THRIFT_BINARY, count);
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[RML_RANGE_TEXT];
        size_t len = 0;
        if (rml_range_has(&pages[i].range)) {
            len = rml_range_bytes(&pages[i].range, type, high, bytes);
        }
        rml_thrift_item_binary(t, rml_bytes_of(bytes, len));
    }
}

static rml_status put_column_index(rml_parquet_writer *w, rml_chunk *chunk, rml_type type,
                                   rml_error *err)
{
    const rml_page *pages = RML_AT(&w->pages, rml_page, chunk->first_page);
    rml_buffer_clear(&w->indexes);
    rml_thrift t;
    rml_thrift_init(&t, &w->indexes, err);
    rml_thrift_list(&t, 1, RML_THRIFT_TRUE, chunk->page_count);
    for (size_t i = 0; i < chunk->page_count; i++) {
        rml_thrift_item_bool(&t, pages[i].range.nulls == pages[i].entries);
    }
    put_bounds(&t, pages, chunk->page_count, type, false);
    put_bounds(&t, pages, chunk->page_count, type, true);
    rml_thrift_i32(&t, 4, 0); // unordered: always true, and nobody here needs more
    rml_thrift_list(&t, 5, RML_THRIFT_I64, chunk->page_count);
    for (size_t i = 0; i < chunk->page_count; i++) {
        rml_thrift_item_int(&t, (int64_t)pages[i].range.nulls);
    }
    rml_thrift_end(&t);
    RML_TRY(t.status);
    chunk->column_index_offset = w->file.size;
    chunk->column_index_size = (uint32_t)w->indexes.len;
    return rml_parquet_put(w, w->indexes.data, w->indexes.len, err);
}

static rml_status put_offset_index(rml_parquet_writer *w, rml_chunk *chunk, rml_error *err)
{
    rml_buffer_clear(&w->indexes);
    rml_thrift t;
    rml_thrift_init(&t, &w->indexes, err);
    rml_thrift_list(&t, 1, RML_THRIFT_STRUCT, chunk->page_count);
    for (size_t i = 0; i < chunk->page_count; i++) {
        const rml_page *page = RML_AT(&w->pages, rml_page, chunk->first_page + i);
        rml_thrift_item_struct(&t);
        rml_thrift_i64(&t, 1, (int64_t)page->offset);
        rml_thrift_i32(&t, 2, (int32_t)page->size);
        rml_thrift_i64(&t, 3, (int64_t)page->first_row);
        rml_thrift_end(&t);
    }
    rml_thrift_end(&t);
    RML_TRY(t.status);
    chunk->offset_index_offset = w->file.size;
    chunk->offset_index_size = (uint32_t)w->indexes.len;
    return rml_parquet_put(w, w->indexes.data, w->indexes.len, err);
}

static rml_status put_indexes(rml_parquet_writer *w, rml_error *err)
{
    for (size_t i = 0; i < w->chunks.count; i++) {
        rml_chunk *chunk = RML_AT(&w->chunks, rml_chunk, i);
        const rml_leaf *leaf = RML_AT(&w->leaves, rml_leaf, i % w->leaves.count);
        if (has_column_index(w, chunk)) {
            RML_TRY(put_column_index(w, chunk, leaf->type, err));
        }
    }
    for (size_t i = 0; i < w->chunks.count; i++) {
        RML_TRY(put_offset_index(w, RML_AT(&w->chunks, rml_chunk, i), err));
    }
    return RML_OK;
}

// ---- Schema ------------------------------------------------------------------------------------

static rml_bytes bytes_of(rml_str text)
{
    return rml_bytes_of_str(text);
}

// ConvertedType and LogicalType of a leaf.
static void put_logical(rml_thrift *t, rml_type type)
{
    int bits = type == RML_TYPE_I8    ? 8
               : type == RML_TYPE_I16 ? 16
               : type == RML_TYPE_I32 ? 32
               : type == RML_TYPE_I64 ? 64
                                      : 0;
    if (bits > 0) {
        int converted = bits == 8 ? 15 : bits == 16 ? 16 : bits == 32 ? 17 : 18;
        rml_thrift_i32(t, 6, converted);
        rml_thrift_struct(t, 10);
        rml_thrift_struct(t, 10); // INTEGER
        rml_thrift_i8(t, 1, (int8_t)bits);
        rml_thrift_bool(t, 2, true);
        rml_thrift_end(t);
        rml_thrift_end(t);
    } else if (type == RML_TYPE_STRING) {
        rml_thrift_i32(t, 6, 0);
        rml_thrift_struct(t, 10);
        rml_thrift_struct(t, 1); // STRING
        rml_thrift_end(t);
        rml_thrift_end(t);
    } else if (type == RML_TYPE_U64) {
        rml_thrift_i32(t, 6, 5);
        rml_thrift_i32(t, 7, 0);
        rml_thrift_i32(t, 8, 20);
        rml_thrift_struct(t, 10);
        rml_thrift_struct(t, 5); // DECIMAL
        rml_thrift_i32(t, 1, 0);
        rml_thrift_i32(t, 2, 20);
        rml_thrift_end(t);
        rml_thrift_end(t);
    }
}

static void put_leaf(rml_thrift *t, rml_str name, rml_type type, bool nullable)
{
    rml_thrift_item_struct(t);
    rml_thrift_i32(t, 1, rml_parquet_physical(type));
    if (type == RML_TYPE_U64) {
        rml_thrift_i32(t, 2, RML_DECIMAL_SIZE);
    }
    rml_thrift_i32(t, 3, nullable ? 1 : 0);
    rml_thrift_binary(t, 4, bytes_of(name));
    put_logical(t, type);
    rml_thrift_end(t);
}

static void put_group(rml_thrift *t, rml_str name, int repetition, size_t children, bool list)
{
    rml_thrift_item_struct(t);
    rml_thrift_i32(t, 3, repetition);
    rml_thrift_binary(t, 4, bytes_of(name));
    rml_thrift_i32(t, 5, (int32_t)children);
    if (list) {
        rml_thrift_i32(t, 6, 3);
        rml_thrift_struct(t, 10);
        rml_thrift_struct(t, 3); // LIST
        rml_thrift_end(t);
        rml_thrift_end(t);
    }
    rml_thrift_end(t);
}

static void put_field(rml_thrift *t, const rml_field *field, rml_str name)
{
    int repetition = field->nullable ? 1 : 0;
    if (field->type == RML_TYPE_LIST) {
        put_group(t, name, repetition, 1, true);
        put_group(t, RML_STR("list"), 2, 1, false);
        put_field(t, &field->children[0], RML_STR("element"));
    } else if (field->type == RML_TYPE_STRUCT && field->child_count == 0) {
        put_group(t, name, repetition, 1, false);
        put_leaf(t, RML_STR(RML_EMPTY_FIELD), RML_TYPE_BOOL, true);
    } else if (field->type == RML_TYPE_STRUCT) {
        put_group(t, name, repetition, field->child_count, false);
        for (size_t i = 0; i < field->child_count; i++) {
            put_field(t, &field->children[i], field->children[i].name);
        }
    } else {
        put_leaf(t, name, field->type, field->nullable);
    }
}

static size_t count_elements(const rml_field *field)
{
    size_t count = 1;
    if (field->type == RML_TYPE_LIST || (field->type == RML_TYPE_STRUCT && !field->child_count)) {
        count++;
    }
    for (size_t i = 0; i < field->child_count; i++) {
        count += count_elements(&field->children[i]);
    }
    return count;
}

static void put_schema(rml_thrift *t, rml_schema schema)
{
    size_t count = 1;
    for (size_t i = 0; i < schema.count; i++) {
        count += count_elements(&schema.fields[i]);
    }
    rml_thrift_list(t, 2, RML_THRIFT_STRUCT, count);
    rml_thrift_item_struct(t);
    rml_thrift_binary(t, 4, bytes_of(RML_STR("schema")));
    rml_thrift_i32(t, 5, (int32_t)schema.count);
    rml_thrift_end(t);
    for (size_t i = 0; i < schema.count; i++) {
        put_field(t, &schema.fields[i], schema.fields[i].name);
    }
}

// ---- Row groups --------------------------------------------------------------------------------

// The names from the column to the leaf, with those that lists put between.
static void put_path(rml_thrift *t, const rml_leaf *leaf)
{
    rml_str names[RML_LEAF_DEPTH_MAX * 2 + 1];
    size_t count = 0;
    for (size_t i = 0; i < leaf->depth; i++) {
        bool element = i > 0 && leaf->path[i - 1]->type == RML_TYPE_LIST;
        names[count++] = element ? RML_STR("element") : leaf->path[i]->name;
        if (leaf->path[i]->type == RML_TYPE_LIST) {
            names[count++] = RML_STR("list");
        }
    }
    if (leaf->of_empty) {
        names[count++] = RML_STR(RML_EMPTY_FIELD);
    }
    rml_thrift_list(t, 3, RML_THRIFT_BINARY, count);
    for (size_t i = 0; i < count; i++) {
        rml_thrift_item_binary(t, bytes_of(names[i]));
    }
}

static void put_chunk(rml_thrift *t, const rml_parquet_writer *w, const rml_chunk *chunk,
                      const rml_leaf *leaf)
{
    bool dictionary = chunk->dictionary_offset > 0;
    rml_thrift_item_struct(t);
    rml_thrift_i64(t, 2, 0);
    rml_thrift_struct(t, 3);
    rml_thrift_i32(t, 1, rml_parquet_physical(leaf->type));
    rml_thrift_list(t, 2, RML_THRIFT_I32, dictionary ? 3 : 2);
    rml_thrift_item_int(t, chunk->encoding);
    rml_thrift_item_int(t, RML_PARQUET_RLE);
    if (dictionary) {
        rml_thrift_item_int(t, RML_PARQUET_PLAIN);
    }
    put_path(t, leaf);
    rml_thrift_i32(t, 4, w->options.uncompressed ? RML_PARQUET_UNCOMPRESSED : RML_PARQUET_ZSTD);
    rml_thrift_i64(t, 5, (int64_t)chunk->entries);
    rml_thrift_i64(t, 6, (int64_t)chunk->raw_size);
    rml_thrift_i64(t, 7, (int64_t)chunk->size);
    rml_thrift_i64(t, 9, (int64_t)chunk->offset);
    if (dictionary) {
        rml_thrift_i64(t, 11, (int64_t)chunk->dictionary_offset);
    }
    rml_thrift_struct(t, 12);
    rml_thrift_i64(t, 3, (int64_t)chunk->range.nulls);
    if (rml_range_has(&chunk->range)) {
        uint8_t bytes[RML_RANGE_TEXT];
        size_t len = rml_range_bytes(&chunk->range, leaf->type, true, bytes);
        rml_thrift_binary(t, 5, rml_bytes_of(bytes, len));
        len = rml_range_bytes(&chunk->range, leaf->type, false, bytes);
        rml_thrift_binary(t, 6, rml_bytes_of(bytes, len));
    }
    rml_thrift_end(t);
    rml_thrift_end(t);
    rml_thrift_i64(t, 4, (int64_t)chunk->offset_index_offset);
    rml_thrift_i32(t, 5, (int32_t)chunk->offset_index_size);
    if (chunk->column_index_size > 0) {
        rml_thrift_i64(t, 6, (int64_t)chunk->column_index_offset);
        rml_thrift_i32(t, 7, (int32_t)chunk->column_index_size);
    }
    rml_thrift_end(t);
}

static void put_row_groups(rml_thrift *t, const rml_parquet_writer *w)
{
    rml_thrift_list(t, 4, RML_THRIFT_STRUCT, w->groups.count);
    for (size_t g = 0; g < w->groups.count; g++) {
        const rml_row_group *group = RML_AT(&w->groups, rml_row_group, g);
        rml_thrift_item_struct(t);
        rml_thrift_list(t, 1, RML_THRIFT_STRUCT, w->leaves.count);
        for (size_t i = 0; i < w->leaves.count; i++) {
            put_chunk(t, w, RML_AT(&w->chunks, rml_chunk, g * w->leaves.count + i),
                      RML_AT(&w->leaves, rml_leaf, i));
        }
        rml_thrift_i64(t, 2, (int64_t)group->raw_size);
        rml_thrift_i64(t, 3, (int64_t)group->rows);
        rml_thrift_i64(t, 5, (int64_t)group->offset);
        rml_thrift_i64(t, 6, (int64_t)group->size);
        rml_thrift_end(t);
    }
}

rml_status rml_parquet_footer(rml_parquet_writer *w, rml_error *err)
{
    RML_TRY(put_indexes(w, err));
    rml_buffer_clear(&w->indexes);
    rml_thrift t;
    rml_thrift_init(&t, &w->indexes, err);
    rml_thrift_i32(&t, 1, 2);
    put_schema(&t, w->schema);
    rml_thrift_i64(&t, 3, (int64_t)w->rows);
    put_row_groups(&t, w);
    rml_thrift_binary(&t, 6, bytes_of(RML_STR("roadmill version " RML_VERSION)));
    // The order of bounds is the type's, which is what makes readers trust them.
    rml_thrift_list(&t, 7, RML_THRIFT_STRUCT, w->leaves.count);
    for (size_t i = 0; i < w->leaves.count; i++) {
        rml_thrift_item_struct(&t);
        rml_thrift_struct(&t, 1);
        rml_thrift_end(&t);
        rml_thrift_end(&t);
    }
    rml_thrift_end(&t);
    RML_TRY(t.status);
    uint8_t tail[8] = {0, 0, 0, 0, 'P', 'A', 'R', '1'};
    rml_save_u32(tail, (uint32_t)w->indexes.len);
    RML_TRY(rml_parquet_put(w, w->indexes.data, w->indexes.len, err));
    return rml_parquet_put(w, tail, sizeof tail, err);
}

// ---- Delta's statistics ------------------------------------------------------------------------

static bool has_order_in_delta(const rml_leaf *leaf, const rml_range *range)
{
    return rml_range_has(range) && leaf->type != RML_TYPE_BOOL;
}

static void put_delta_bound(rml_json_writer *j, const rml_leaf *leaf, const rml_range *r, bool high)
{
    const rml_bound *b = high ? &r->high : &r->low;
    switch (leaf->type) {
    case RML_TYPE_STRING:
        rml_json_str(j, high ? (rml_str){r->high_text, r->high_size}
                             : (rml_str){r->low_text, r->low_size});
        break;
    case RML_TYPE_F32:
    case RML_TYPE_F64:
        rml_json_f64(j, b->f);
        break;
    default:
        rml_json_i64(j, b->i);
        break;
    }
}

enum delta_part { MIN, MAX, NULLS };

static bool leaf_has_part(const rml_parquet_writer *w, size_t i, enum delta_part part)
{
    const rml_leaf *leaf = RML_AT(&w->leaves, rml_leaf, i);
    const rml_range *range = &w->totals[i];
    if (leaf->in_list) {
        return false;
    }
    if (part == NULLS) {
        return true;
    }
    // Not u64 above int64, not infinities: JSON has no number for them that all read alike.
    bool plain = leaf->type == RML_TYPE_U64 ? range->high.u <= INT64_MAX
                 : leaf->type == RML_TYPE_F32 || leaf->type == RML_TYPE_F64
                     ? range->low.f - range->low.f == 0 && range->high.f - range->high.f == 0
                     : true;
    return has_order_in_delta(leaf, range) && plain;
}

// Leaves come in the tree's order, so the objects of nested structs open and close as the paths
// change.
static void put_delta_part(const rml_parquet_writer *w, rml_json_writer *j, enum delta_part part)
{
    const rml_leaf *before = NULL;
    size_t open = 0; // structs open: path[0..open) of before
    for (size_t i = 0; i < w->leaves.count; i++) {
        const rml_leaf *leaf = RML_AT(&w->leaves, rml_leaf, i);
        if (!leaf_has_part(w, i, part)) {
            continue;
        }
        size_t groups = leaf->of_empty ? leaf->depth : leaf->depth - 1;
        size_t same = 0;
        while (before != NULL && same < open && same < groups &&
               before->path[same] == leaf->path[same]) {
            same++;
        }
        for (; open > same; open--) {
            rml_json_object_end(j);
        }
        for (; open < groups; open++) {
            rml_json_key(j, leaf->path[open]->name.data); // terminated: of the schema's copy
            rml_json_object(j);
        }
        rml_json_key(j, leaf->of_empty ? RML_EMPTY_FIELD : leaf->path[groups]->name.data);
        if (part == NULLS) {
            rml_json_i64(j, (int64_t)w->totals[i].nulls);
        } else {
            put_delta_bound(j, leaf, &w->totals[i], part == MAX);
        }
        before = leaf;
    }
    for (; open > 0; open--) {
        rml_json_object_end(j);
    }
}

rml_status rml_parquet_delta_stats(const rml_parquet_writer *w, rml_buffer *out, rml_error *err)
{
    rml_json_writer j;
    rml_json_writer_init(&j, out, err);
    rml_json_object(&j);
    rml_json_kv_i64(&j, "numRecords", (int64_t)w->rows);
    static const char *const names[] = {
        [MIN] = "minValues", [MAX] = "maxValues", [NULLS] = "nullCount"};
    for (enum delta_part part = MIN; part <= NULLS; part++) {
        rml_json_key(&j, names[part]);
        rml_json_object(&j);
        put_delta_part(w, &j, part);
        rml_json_object_end(&j);
    }
    rml_json_object_end(&j);
    return rml_json_finish(&j);
}
