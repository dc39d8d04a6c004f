// Kernels for AVX-512 (F, BW, DQ, VL).
#if defined(__x86_64__)
#include "cpu/lanes_avx512.h"

#include "cpu/body/all.h"

const rml_variant rml_variant_avx512 = {"avx512",   RML_CPU_AVX512, kernels, squares,
                                        add_into,   adamw,          probe,   muon_begin,
                                        muon_scale, muon_end,       NULL};

#else
typedef int rml_no_avx512; // a file must declare something
#endif
