// Tensors of a sample: element types, sizes, conversion.
#include "roadmill/base/tensor.h"

#include <string.h>

static const struct {
    const char *name;
    size_t size;
} elements[RML_ELEMENTS] = {
    [RML_ELEMENT_F32] = {"float32", 4},   [RML_ELEMENT_F16] = {"float16", 2},
    [RML_ELEMENT_BF16] = {"bfloat16", 2}, [RML_ELEMENT_U8] = {"uint8", 1},
    [RML_ELEMENT_I32] = {"int32", 4},     [RML_ELEMENT_I64] = {"int64", 8},
};

const char *rml_element_name(rml_element e)
{
    return elements[e].name;
}

size_t rml_element_size(rml_element e)
{
    return elements[e].size;
}

bool rml_element_parse(rml_str text, rml_element *out)
{
    for (int i = 0; i < RML_ELEMENTS; i++) {
        if (rml_str_equal(text, rml_str_of(elements[i].name))) {
            *out = (rml_element)i;
            return true;
        }
    }
    return false;
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float half_to_f32(uint16_t half)
{
    uint32_t sign = (uint32_t)(half >> 15) << 31, exponent = half >> 10 & 31, rest = half & 1023;
    if (exponent == 31) { // infinity, NaN
        return float_of_bits(sign | 0x7f800000u | rest << 13);
    }
    if (exponent == 0) { // zero and subnormals: exact in float32
        float size = (float)rest * 0x1p-24f;
        return sign ? -size : size;
    }
    return float_of_bits(sign | (exponent + 112) << 23 | rest << 13);
}

void rml_elements_to_f32(rml_element e, const void *values, size_t count, float *out)
{
    const uint8_t *from = values;
    if (e == RML_ELEMENT_F32) {
        memcpy(out, values, count * sizeof *out);
        return;
    }
    for (size_t i = 0; i < count; i++, from += elements[e].size) {
        switch (e) {
        case RML_ELEMENT_F16:
            out[i] = half_to_f32(rml_load_u16(from));
            break;
        case RML_ELEMENT_BF16:
            out[i] = float_of_bits((uint32_t)rml_load_u16(from) << 16);
            break;
        case RML_ELEMENT_U8:
            out[i] = *from;
            break;
        case RML_ELEMENT_I32:
            out[i] = (float)(int32_t)rml_load_u32(from);
            break;
        default:
            out[i] = (float)(int64_t)rml_load_u64(from);
        }
    }
}

bool rml_tensor_info_size(const rml_tensor_info *info, size_t *row, size_t *whole)
{
    *row = elements[info->element].size;
    bool fits = info->rank <= RML_TENSOR_RANK_MAX && (info->rank > 0 || !info->ragged);
    for (uint32_t axis = 1; fits && axis < info->rank; axis++) {
        fits = rml_size_mul(*row, info->shape[axis], row);
    }
    return fits && rml_size_mul(*row, info->rank > 0 ? info->shape[0] : 1, whole);
}

bool rml_tensor_info_equal(const rml_tensor_info *a, const rml_tensor_info *b)
{
    return strcmp(a->name, b->name) == 0 && a->rank == b->rank && a->element == b->element &&
           a->ragged == b->ragged && memcmp(a->shape, b->shape, a->rank * sizeof a->shape[0]) == 0;
}
