// Scores of scenes that need no truth: disagreement of the futures, novelty of the embedding.
#include <math.h>

#include "roadmill/mine.h"

#define BLOCK 64

// Distance of the last steps of two modes of a sample.
static double apart(const rml_forecast *f, size_t a, size_t b)
{
    const float *p = f->xy + f->axes * ((a + 1) * (size_t)f->steps - 1);
    const float *q = f->xy + f->axes * ((b + 1) * (size_t)f->steps - 1);
    double sum = 0;
    for (uint32_t k = 0; k < f->axes; k++) {
        double d = (double)p[k] - (double)q[k];
        sum += d * d;
    }
    return sqrt(sum);
}

void rml_mine_disagreement(const rml_forecast *f, float *out)
{
    for (size_t i = 0; i < f->count; i++) {
        const float *p = f->probability ? f->probability + i * f->modes : NULL;
        double sum = 0, weight = 0;
        for (uint32_t a = 0; a < f->modes; a++) {
            for (uint32_t b = a + 1; b < f->modes; b++) {
                double w = p == NULL ? 1 : (double)p[a] * (double)p[b];
                sum += w * apart(f, i * f->modes + a, i * f->modes + b);
                weight += w;
            }
        }
        out[i] = weight > 0 ? (float)(sum / weight) : 0;
    }
}

typedef struct novelty_job {
    const float *candidates, *known;
    size_t n, m;
    uint32_t width;
    float *out;
} novelty_job;

static void novelty_block(void *context, size_t block, size_t worker)
{
    (void)worker;
    const novelty_job *job = context;
    size_t end = (block + 1) * BLOCK < job->n ? (block + 1) * BLOCK : job->n;
    for (size_t i = block * BLOCK; i < end; i++) {
        const float *c = job->candidates + i * job->width;
        float least = INFINITY;
        for (size_t j = 0; j < job->m; j++) {
            const float *k = job->known + j * job->width;
            // Eight lanes, added in a fixed order: the same bits whatever the compiler makes of it.
            float lanes[8] = {0};
            uint32_t w = 0;
            for (; w + 8 <= job->width; w += 8) {
                for (uint32_t lane = 0; lane < 8; lane++) {
                    float d = c[w + lane] - k[w + lane];
                    lanes[lane] += d * d;
                }
            }
            for (; w < job->width; w++) {
                lanes[w % 8] += (c[w] - k[w]) * (c[w] - k[w]);
            }
            float sum = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
                        ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
            least = sum < least ? sum : least;
        }
        job->out[i] = sqrtf(least);
    }
}

void rml_mine_novelty(const float *candidates, size_t n, const float *known, size_t m,
                      uint32_t width, rml_pool *pool, float *out)
{
    novelty_job job = {candidates, known, n, m, width, out};
    rml_pool_run(pool, (n + BLOCK - 1) / BLOCK, novelty_block, &job);
}
