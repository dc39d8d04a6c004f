// Protects: what is written is read back; any cut or flipped byte of the header is an error or a
// shard that stays inside its bytes; a scene that is too large is refused.
#include "roadmill/dataset/shard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/base/random.h"
#include "roadmill/os.h"

static rml_scene_spec spec = {.history = 2, .future = 2, .agents = 1, .map = 1};
static rml_tensor_info info[RML_SCENE_TENSORS];

static void write_shard(rml_buffer *out, uint32_t scenes, rml_shard_layout *layout)
{
    rml_scene_spec_defaults(&spec);
    rml_scene_layout(&spec, info);
    assert_int_equal(rml_shard_layout_of(info, layout, NULL), RML_OK);
    assert_int_equal(rml_shard_header(info, scenes, out, NULL), RML_OK);
    assert_int_equal(out->len, layout->data_offset);
    for (size_t i = 0; i < scenes * layout->stride; i++) {
        float value = (float)i;
        assert_int_equal(rml_buffer_append(out, &value, sizeof value, NULL), RML_OK);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    for (uint32_t scenes = 0; scenes < 5; scenes++) {
        rml_buffer bytes = {0};
        rml_shard_layout layout;
        rml_shard shard;
        write_shard(&bytes, scenes, &layout);
        assert_int_equal(
            rml_shard_parse(rml_buffer_bytes(&bytes), RML_STR("s"), info, &shard, NULL), RML_OK);
        assert_int_equal(shard.scenes, scenes);
        assert_int_equal(shard.stride * sizeof(float) % 64, 0);
        for (uint32_t s = 0; s < scenes; s++) {
            for (int t = 0; t < RML_SCENE_TENSORS; t++) {
                size_t at = s * shard.stride + shard.offset[t];
                assert_true(shard.data[at] == (float)at);
            }
        }
        rml_buffer_reset(&bytes);
    }
    // A seed for the fuzzer, when asked for: RML_WRITE_SEED=fuzz/corpus/shard/two_scenes
    if (rml_env("RML_WRITE_SEED") != NULL) {
        rml_buffer bytes = {0};
        rml_shard_layout layout;
        write_shard(&bytes, 2, &layout);
        assert_int_equal(
            rml_file_replace(rml_env("RML_WRITE_SEED"), rml_buffer_bytes(&bytes), NULL), RML_OK);
        rml_buffer_reset(&bytes);
    }
}

static void test_damage(void **state)
{
    (void)state;
    rml_buffer bytes = {0};
    rml_shard_layout layout;
    rml_shard shard;
    write_shard(&bytes, 2, &layout);
    for (size_t len = 0; len < bytes.len; len++) {
        assert_int_equal(
            rml_shard_parse(rml_bytes_of(bytes.data, len), RML_STR("s"), info, &shard, NULL),
            RML_ERR_DATA);
    }
    size_t accepted = 0;
    for (uint64_t run = 0; run < 20000; run++) {
        size_t at = (size_t)rml_random_below(1, run, 0, layout.data_offset);
        uint8_t old = bytes.data[at];
        bytes.data[at] = (uint8_t)rml_random_below(1, run, 1, 256);
        if (rml_shard_parse(rml_buffer_bytes(&bytes), RML_STR("s"), info, &shard, NULL) == RML_OK) {
            accepted++;
            for (int t = 0; t < RML_SCENE_TENSORS; t++) {
                assert_true(shard.offset[t] + layout.size[t] <= shard.stride);
            }
            assert_true((const uint8_t *)(shard.data + shard.scenes * shard.stride) ==
                        bytes.data + bytes.len);
        }
        bytes.data[at] = old;
    }
    assert_true(accepted < 10000); // padding and places inside a scene may change, the rest may not
    rml_error err = {0};
    bytes.data[0] = 'x';
    assert_int_equal(
        rml_shard_parse(rml_buffer_bytes(&bytes), RML_STR("a.rms"), info, &shard, &err),
        RML_ERR_DATA);
    assert_non_null(strstr(err.place, "a.rms"));
    rml_buffer_reset(&bytes);
}

static void test_limit(void **state)
{
    (void)state;
    rml_scene_spec large = {.agents = 200000};
    rml_tensor_info tensors[RML_SCENE_TENSORS];
    rml_shard_layout layout;
    rml_scene_spec_defaults(&large);
    rml_scene_layout(&large, tensors);
    assert_int_equal(rml_shard_layout_of(tensors, &layout, NULL), RML_ERR_LIMIT);
    tensors[0].shape[0] = tensors[0].shape[1] = UINT32_MAX;
    assert_int_equal(rml_shard_layout_of(tensors, &layout, NULL), RML_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
