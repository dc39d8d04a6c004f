// Kernels for AVX2 with FMA.
#if defined(__x86_64__)
#include "cpu/lanes_avx2.h"

#include "cpu/body/all.h"

const rml_variant rml_variant_avx2 = {"avx2", RML_CPU_AVX2, kernels,    squares,  add_into, adamw,
                                      probe,  muon_begin,   muon_scale, muon_end, NULL};

#else
typedef int rml_no_avx2; // a file must declare something
#endif
