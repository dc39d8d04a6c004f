// Protects: the safetensors parser against every way in which a header can lie, and that what is
// written is read back; a hand-made file as the Python package safetensors writes it.
#include "safetensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static size_t file_make(const char *header, size_t data, uint8_t *out)
{
    size_t len = strlen(header);
    rml_save_u64(out, len);
    memcpy(out + 8, header, len);
    for (size_t i = 0; i < data; i++) {
        out[8 + len + i] = (uint8_t)i;
    }
    return 8 + len + data;
}

static rml_status parse(const uint8_t *data, size_t size, rml_array *tensors, rml_arena *arena,
                        rml_error *err)
{
    *tensors = RML_ARRAY(rml_safetensor);
    return rml_safetensors_parse((rml_bytes){data, size}, RML_STR("t"), arena, tensors, err);
}

static void test_headers(void **state)
{
    (void)state;
    static const struct {
        const char *name, *header;
        size_t data;
        rml_status status;
    } cases[] = {
        {"two tensors, any order of names",
         "{\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]},"
         "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}",
         12, RML_OK},
        {"metadata is passed over",
         "{\"__metadata__\":{\"format\":\"pt\"},"
         "\"a\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]}}   ",
         4, RML_OK},
        {"no tensors", "{}", 0, RML_OK},
        {"a tensor without elements",
         "{\"a\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[0,0]}}", 0, RML_OK},
        {"another type", "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4,
         RML_ERR_DATA},
        {"beyond the end", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4,
         RML_ERR_DATA},
        {"falling offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,4]}}", 8,
         RML_ERR_DATA},
        {"a shape of another size",
         "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, RML_ERR_DATA},
        {"a shape that overflows",
         "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967295,4294967295,2],\"data_offsets\":[0,8]}}",
         8, RML_ERR_DATA},
        {"a negative size", "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4,
         RML_ERR_DATA},
        {"six axes", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1],\"data_offsets\":[0,4]}}",
         4, RML_ERR_DATA},
        {"overlap",
         "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         8, RML_ERR_DATA},
        {"a hole", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8,
         RML_ERR_DATA},
        {"bytes left over", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 8,
         RML_ERR_DATA},
        {"no object", "[1]", 0, RML_ERR_DATA},
        {"no entry", "{\"a\":1}", 0, RML_ERR_DATA},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t file[512];
        rml_arena arena = {0};
        rml_array tensors;
        rml_error err = {0};
        size_t size = file_make(cases[i].header, cases[i].data, file);
        rml_status st = parse(file, size, &tensors, &arena, &err);
        if (st != cases[i].status || (st != RML_OK && err.what[0] == '\0')) {
            fail_msg("%s: expected status %s, found %s: %s", cases[i].name,
                     rml_status_name(cases[i].status), rml_status_name(st), err.what);
        }
        rml_array_reset(&tensors);
        rml_arena_reset(&arena);
    }
}

// Every cut of a good file is refused; so is a length that lies.
static void test_cuts(void **state)
{
    (void)state;
    uint8_t file[256];
    size_t size =
        file_make("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, file);
    rml_arena arena = {0};
    rml_array tensors;
    for (size_t cut = 0; cut < size; cut++) {
        assert_int_not_equal(parse(file, cut, &tensors, &arena, NULL), RML_OK);
        rml_array_reset(&tensors);
    }
    assert_int_equal(parse(file, size, &tensors, &arena, NULL), RML_OK);
    rml_array_reset(&tensors);
    rml_save_u64(file, UINT64_MAX - 3);
    assert_int_equal(parse(file, size, &tensors, &arena, NULL), RML_ERR_DATA);
    rml_array_reset(&tensors);
    rml_arena_reset(&arena);
}

static void test_round_trip(void **state)
{
    (void)state;
    static const float a[] = {1, -2.5f, 3e-30f, 4, 5, 6}, b[] = {7};
    const rml_safetensor tensors[] = {{RML_STR("blocks.0.up.weight"), {2, {2, 3}}, 6, {0}},
                                      {RML_STR("\"quoted\""), {0}, 1, {0}}};
    const float *const data[] = {a, b};
    rml_buffer out = {0};
    rml_arena arena = {0};
    rml_array read = RML_ARRAY(rml_safetensor);
    assert_int_equal(rml_safetensors_write(tensors, 2, data, &out, NULL), RML_OK);
    assert_int_equal(rml_load_u64(out.data) % 8, 0);
    assert_int_equal(
        rml_safetensors_parse(rml_buffer_bytes(&out), RML_STR("t"), &arena, &read, NULL), RML_OK);
    assert_int_equal(read.count, 2);
    for (size_t i = 0; i < 2; i++) {
        const rml_safetensor *t = RML_AT(&read, rml_safetensor, i);
        assert_true(rml_str_equal(t->name, tensors[i].name));
        assert_int_equal(t->shape.rank, tensors[i].shape.rank);
        assert_int_equal(t->count, tensors[i].count);
        assert_memory_equal(t->bytes.data, data[i], t->bytes.len);
    }
    rml_array_reset(&read);
    rml_arena_reset(&arena);
    rml_buffer_reset(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests_name("safetensors", tests, NULL, NULL);
}
