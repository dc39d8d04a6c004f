// The table of instruction sets. A new one is a header of lanes, a file of kernels and a line here.
#include "op.h"

extern const rml_variant rml_variant_scalar;
#if defined(__x86_64__)
extern const rml_variant rml_variant_avx2, rml_variant_avx512, rml_variant_amx;
#endif

const rml_variant *const rml_variants[] = {
    &rml_variant_scalar,
#if defined(__x86_64__)
    &rml_variant_avx2,
    &rml_variant_avx512,
    &rml_variant_amx,
#endif
};
const size_t rml_variant_count = sizeof rml_variants / sizeof *rml_variants;
