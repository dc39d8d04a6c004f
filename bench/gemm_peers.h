// Single-precision products of other libraries, opened at run time where they are: MKL (RML_MKL
// names libmkl_rt, else the system's) with packed weights, oneDNN's sgemm. Threads as given.
#ifndef RML_BENCH_GEMM_PEERS_H
#define RML_BENCH_GEMM_PEERS_H

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

enum { CBLAS_ROWS = 101, CBLAS_PLAIN = 111, CBLAS_TURNED = 112, CBLAS_PACKED = 151, CBLAS_B = 162 };

typedef struct gemm_peers {
    size_t (*mkl_size)(int side, int m, int n, int k);
    void (*mkl_pack)(int layout, int side, int turned, int m, int n, int k, float alpha,
                     const float *from, int stride, float *to);
    void (*mkl_compute)(int layout, int a_turned, int b_turned, int m, int n, int k, const float *a,
                        int a_stride, const float *b, int b_stride, float beta, float *c,
                        int c_stride);
    int (*dnnl_sgemm)(char a_turned, char b_turned, int64_t m, int64_t n, int64_t k, float alpha,
                      const float *a, int64_t a_stride, const float *b, int64_t b_stride,
                      float beta, float *c, int64_t c_stride);
} gemm_peers;

static inline void *gemm_open(const char *given, const char *const *names)
{
    void *library = given != NULL ? dlopen(given, RTLD_NOW | RTLD_GLOBAL) : NULL;
    for (; library == NULL && *names != NULL; names++) {
        library = dlopen(*names, RTLD_NOW | RTLD_GLOBAL);
    }
    return library;
}

static inline gemm_peers gemm_peers_open(size_t threads)
{
    static const char *const mkl[] = {"libmkl_rt.so.3", "libmkl_rt.so.2", "libmkl_rt.so", NULL};
    static const char *const dnnl[] = {"libdnnl.so.3", "libdnnl.so.2", NULL};
    char text[24];
    snprintf(text, sizeof text, "%zu", threads);
    setenv("MKL_THREADING_LAYER", threads > 1 ? "GNU" : "SEQUENTIAL", 0);
    setenv("OMP_NUM_THREADS", text, 1);
    gemm_peers p = {0};
    void *library = gemm_open(getenv("RML_MKL"), mkl);
    if (library != NULL) {
        *(void **)&p.mkl_size = dlsym(library, "cblas_sgemm_pack_get_size");
        *(void **)&p.mkl_pack = dlsym(library, "cblas_sgemm_pack");
        *(void **)&p.mkl_compute = dlsym(library, "cblas_sgemm_compute");
    }
    library = gemm_open(NULL, dnnl);
    if (library != NULL) {
        *(void **)&p.dnnl_sgemm = dlsym(library, "dnnl_sgemm");
    }
    return p;
}

#endif
