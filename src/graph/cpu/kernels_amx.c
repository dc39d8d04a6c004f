// Kernels for AVX-512 with tiles for bfloat16 products (AMX-BF16).
#if defined(__x86_64__)
#include "cpu/lanes_avx512.h"
#include "cpu/tiles_amx.h"

#include "cpu/body/all.h"

const rml_variant rml_variant_amx = {"amx",      RML_CPU_AVX512 | RML_CPU_AMX,
                                     kernels,    squares,
                                     add_into,   adamw,
                                     probe,      muon_begin,
                                     muon_scale, muon_end,
                                     NULL};

#else
typedef int rml_no_amx; // a file must declare something
#endif
