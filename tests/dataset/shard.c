// Protects: what is written is read back, of every element type, fixed and ragged; shards of
// float32 alone keep the bytes that they had before there were types; any cut or flipped byte is an
// error or a shard that stays inside its bytes; a scene that is too large is refused.
#include "roadmill/dataset/shard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/base/random.h"
#include "roadmill/codec.h"
#include "roadmill/os.h"

// The predictor's tensors: float32 of fixed shape.
static size_t plain_info(rml_tensor_info *info)
{
    const rml_scene_spec spec = {.history = 2, .future = 2, .agents = 1, .map = 1};
    const rml_scene_cutter *const *cutters;
    rml_scene_cutters(&cutters);
    return rml_scene_layout(cutters[0], &spec, info);
}

// Every type, fixed and ragged, of several shapes.
static size_t typed_info(rml_tensor_info *info)
{
    static const char *const names[] = {"f32", "f16", "bf16", "u8", "i32", "i64"};
    static const char *const ragged[] = {"f32s", "f16s", "bf16s", "u8s", "i32s", "i64s"};
    for (uint32_t e = 0; e < RML_ELEMENTS; e++) {
        info[2 * e] = (rml_tensor_info){names[e], e % 4, {3, 2, 1}, .element = (rml_element)e};
        info[2 * e + 1] = (rml_tensor_info){
            ragged[e], 1 + e % 3, {4, 3, 2}, .element = (rml_element)e, .ragged = true};
    }
    return 2 * RML_ELEMENTS;
}

static size_t bytes_of(const rml_tensor_info *info, uint32_t rows)
{
    size_t row, whole;
    assert_true(rml_tensor_info_size(info, &row, &whole));
    return info->ragged ? rows * row : whole;
}

static uint32_t rows_of(uint32_t scene, size_t tensor)
{
    return (uint32_t)rml_random_below(7, scene, tensor, 5); // 0 to 4, the most
}

static uint8_t byte_of(uint32_t scene, size_t tensor, size_t at)
{
    return (uint8_t)rml_random_below(8, scene * 64 + tensor, at, 256);
}

static void write_shard(rml_shard_writer *w, const rml_tensor_info *info, size_t count,
                        uint32_t scenes, rml_bytes *out)
{
    assert_int_equal(rml_shard_writer_init(w, info, count, NULL), RML_OK);
    for (uint32_t first = 0, more; first < scenes; first += more) {
        more = first == 0 && scenes > 1 ? 1 : scenes - first; // in two pieces
        assert_int_equal(rml_shard_writer_add(w, more, NULL), RML_OK);
        for (uint32_t s = 0; s < more; s++) {
            rml_tensor_slot slots[RML_TENSORS_MAX];
            rml_shard_writer_slots(w, s, slots);
            for (size_t t = 0; t < count; t++) {
                uint32_t rows = rows_of(first + s, t);
                assert_int_equal(info[t].ragged, slots[t].rows != NULL);
                if (info[t].ragged) {
                    *slots[t].rows = rows;
                }
                for (size_t i = 0; i < bytes_of(&info[t], rows); i++) {
                    ((uint8_t *)slots[t].data)[i] = byte_of(first + s, t, i);
                }
            }
        }
        assert_int_equal(rml_shard_writer_join(w, NULL), RML_OK);
    }
    assert_int_equal(rml_shard_writer_finish(w, out, NULL), RML_OK);
}

static void check_shard(const rml_shard *shard, const rml_tensor_info *info)
{
    for (uint32_t s = 0; s < shard->scenes; s++) {
        for (size_t t = 0; t < shard->count; t++) {
            rml_tensor_view view = rml_shard_view(shard, s, t);
            size_t size = bytes_of(&info[t], view.rows);
            assert_true(!info[t].ragged || view.rows == rows_of(s, t));
            assert_int_equal((uintptr_t)view.data % rml_element_size(info[t].element), 0);
            for (size_t i = 0; i < size; i++) {
                assert_int_equal(((const uint8_t *)view.data)[i], byte_of(s, t, i));
            }
        }
    }
}

static size_t (*const makers[])(rml_tensor_info *) = {plain_info, typed_info};

static void test_round_trip(void **state)
{
    (void)state;
    // A seed for the fuzzer, when asked for: RML_WRITE_SEED=fuzz/corpus/shard/two_typed
    const char *seed = rml_env("RML_WRITE_SEED");
    for (size_t m = 0; m < 2; m++) {
        rml_tensor_info info[RML_TENSORS_MAX];
        size_t count = makers[m](info);
        for (uint32_t scenes = 0; scenes < 5; scenes++) {
            rml_shard_writer w;
            rml_bytes bytes;
            rml_shard shard;
            write_shard(&w, info, count, scenes, &bytes);
            assert_int_equal(rml_shard_parse(bytes, RML_STR("s"), info, count, &shard, NULL),
                             RML_OK);
            assert_int_equal(shard.scenes, scenes);
            assert_int_equal(shard.count, count);
            assert_int_equal(bytes.len % 64, 0);
            check_shard(&shard, info);
            if (seed != NULL && scenes == 2 && m == 1) {
                assert_int_equal(rml_file_replace(seed, bytes, NULL), RML_OK);
            }
            rml_shard_writer_reset(&w);
        }
    }
}

// The bytes of a shard that a program before the types wrote: fuzz/corpus/shard/two_scenes of then,
// whose floats count from 0.
static void test_bytes_as_before(void **state)
{
    (void)state;
    rml_tensor_info info[RML_TENSORS_MAX];
    size_t count = plain_info(info);
    rml_shard_writer w;
    rml_bytes bytes;
    assert_int_equal(rml_shard_writer_init(&w, info, count, NULL), RML_OK);
    assert_int_equal(rml_shard_writer_add(&w, 2, NULL), RML_OK);
    float *data = (float *)(void *)(w.shard.data + w.shard.len - 2 * w.layout.stride);
    for (size_t i = 0; i < 2 * w.layout.stride / sizeof(float); i++) {
        data[i] = (float)i;
    }
    assert_int_equal(rml_shard_writer_join(&w, NULL), RML_OK);
    assert_int_equal(rml_shard_writer_finish(&w, &bytes, NULL), RML_OK);
    rml_hash found;
    char text[RML_HASH_TEXT];
    assert_int_equal(rml_sha256(bytes.data, bytes.len, &found), RML_OK);
    rml_hash_text(&found, text);
    assert_string_equal(text, "34cf09643846212101a7234c18e4ff42040d3e95b8acc96c60ee0976d4638460");
    rml_shard_writer_reset(&w);
}

static void assert_inside(const rml_shard *shard, rml_bytes bytes)
{
    for (uint32_t s = 0; s < shard->scenes; s++) {
        for (size_t t = 0; t < shard->count; t++) {
            const rml_shard_tensor *tensor = &shard->tensors[t];
            rml_tensor_view view = rml_shard_view(shard, s, t);
            const uint8_t *at = view.data;
            size_t size = tensor->first ? view.rows * tensor->size : tensor->size;
            assert_true(view.rows <= tensor->rows);
            assert_true(at >= bytes.data && size <= bytes.len - (size_t)(at - bytes.data));
        }
    }
}

static void test_damage(void **state)
{
    (void)state;
    for (size_t m = 0; m < 2; m++) {
        rml_tensor_info info[RML_TENSORS_MAX];
        size_t count = makers[m](info);
        rml_shard_writer w;
        rml_bytes bytes;
        rml_shard shard;
        write_shard(&w, info, count, 2, &bytes);
        for (size_t len = 0; len < bytes.len; len++) {
            assert_int_equal(rml_shard_parse(rml_bytes_of(bytes.data, len), RML_STR("s"), info,
                                             count, &shard, NULL),
                             RML_ERR_DATA);
        }
        uint8_t *damaged = w.shard.data;
        size_t header = (size_t)rml_load_u64(damaged + 16), accepted = 0;
        size_t behind = header + 2 * w.layout.stride; // ragged tensors, their first rows too
        for (uint64_t run = 0; run < 40000; run++) {
            size_t from = run % 2 ? 0 : m == 0 ? 8 : behind;
            size_t to = run % 2 || m == 0 ? header : bytes.len;
            size_t at = from + (size_t)rml_random_below(1, run, 0, to - from);
            uint8_t old = damaged[at];
            damaged[at] = (uint8_t)rml_random_below(1, run, 1, 256);
            for (int known = 0; known < 2; known++) {
                if (rml_shard_parse(bytes, RML_STR("s"), known ? info : NULL, count, &shard,
                                    NULL) == RML_OK) {
                    accepted += (size_t)known;
                    assert_inside(&shard, bytes);
                }
            }
            damaged[at] = old;
        }
        assert_true(accepted < 30000); // padding and values may change, the rest may not
        rml_error err = {0};
        damaged[0] = 'x';
        assert_int_equal(rml_shard_parse(bytes, RML_STR("a.rms"), info, count, &shard, &err),
                         RML_ERR_DATA);
        assert_non_null(strstr(err.place, "a.rms"));
        rml_shard_writer_reset(&w);
    }
}

static void test_limit(void **state)
{
    (void)state;
    const rml_scene_spec large = {.agents = 200000};
    const rml_scene_cutter *const *cutters;
    rml_tensor_info info[RML_TENSORS_MAX];
    rml_shard_layout layout;
    rml_scene_cutters(&cutters);
    size_t count = rml_scene_layout(cutters[0], &large, info);
    assert_int_equal(rml_shard_layout_of(info, count, &layout, NULL), RML_ERR_LIMIT);
    info[0].shape[0] = info[0].shape[1] = UINT32_MAX;
    assert_int_equal(rml_shard_layout_of(info, count, &layout, NULL), RML_ERR_LIMIT);
    count = typed_info(info);
    info[1].shape[0] = RML_SHARD_SIZE_MAX / 2;
    assert_int_equal(rml_shard_layout_of(info, count, &layout, NULL), RML_ERR_LIMIT);
    assert_int_equal(rml_shard_layout_of(info, 0, &layout, NULL), RML_ERR_ARGUMENT);
    info[0].name = "";
    assert_int_equal(rml_shard_layout_of(info, 1, &layout, NULL), RML_ERR_ARGUMENT);
}

static void test_to_f32(void **state)
{
    (void)state;
    static const struct {
        rml_element element;
        uint64_t bits;
        double want;
    } cases[] = {
        {RML_ELEMENT_F16, 0x3c00, 1},
        {RML_ELEMENT_F16, 0xc500, -5},
        {RML_ELEMENT_F16, 0x0001, 0x1p-24},
        {RML_ELEMENT_F16, 0x83ff, -1023 * 0x1p-24},
        {RML_ELEMENT_F16, 0x7bff, 65504},
        {RML_ELEMENT_F16, 0xfc00, -1.0 / 0.0},
        {RML_ELEMENT_BF16, 0x3fc0, 1.5},
        {RML_ELEMENT_BF16, 0xff80, -1.0 / 0.0},
        {RML_ELEMENT_U8, 255, 255},
        {RML_ELEMENT_I32, 0xffffffff, -1},
        {RML_ELEMENT_I64, 1ull << 40, 0x1p40},
        {RML_ELEMENT_F32, 0x40000000, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[8];
        float found;
        rml_save_u64(bytes, cases[i].bits);
        rml_elements_to_f32(cases[i].element, bytes, 1, &found);
        assert_true((double)found == cases[i].want);
        rml_element back;
        assert_true(rml_element_parse(rml_str_of(rml_element_name(cases[i].element)), &back));
        assert_int_equal(back, cases[i].element);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_bytes_as_before),
        cmocka_unit_test(test_damage),     cmocka_unit_test(test_limit),
        cmocka_unit_test(test_to_f32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
