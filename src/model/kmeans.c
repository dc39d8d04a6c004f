// model: k-means++ seeding (Arthur and Vassilvitskii, SODA 2007) and Lloyd's iterations, the same
// bits at any number of threads: a start is a tile, and a sum has eight lanes and one fixed tree.
#include "kmeans.h"

#include <assert.h>
#include <float.h>
#include <string.h>

#include "roadmill/base/random.h"

enum { LANES = 8, ITERATIONS = 200 };

typedef struct kmeans_run {
    double *centres; // [clusters][width]
    double *near;    // [count]: squared distance to the own centre
    double *members; // [clusters]
    uint32_t *assignment;
    double inertia;
} kmeans_run;

typedef struct kmeans_job {
    const double *points; // [count][width], padded by zeros to whole lanes
    size_t count, width;
    uint32_t clusters;
    uint64_t seed;
    kmeans_run *runs; // a start each
} kmeans_job;

static double distance_squared(const double *a, const double *b, size_t width)
{
    double lane[LANES] = {0};
    for (size_t i = 0; i < width; i += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            double d = a[i + k] - b[i + k];
            lane[k] += d * d;
        }
    }
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

static void run_seed(const kmeans_job *job, kmeans_run *r, uint64_t stream)
{
    size_t first = (size_t)rml_random_below(job->seed, stream, 0, job->count);
    for (size_t i = 0; i < job->count; i++) {
        r->near[i] = DBL_MAX;
    }
    for (uint32_t c = 0; c < job->clusters; c++) {
        size_t chosen = first;
        if (c > 0) {
            double total = 0;
            for (size_t i = 0; i < job->count; i++) {
                total += r->near[i];
            }
            double target = rml_random_f64(job->seed, stream, c) * total;
            double sum = 0;
            chosen = job->count - 1;
            for (size_t i = 0; i < job->count; i++) {
                sum += r->near[i];
                if (sum > target) {
                    chosen = i;
                    break;
                }
            }
        }
        double *centre = r->centres + c * job->width;
        memcpy(centre, job->points + chosen * job->width, job->width * sizeof(double));
        for (size_t i = 0; i < job->count; i++) {
            double d = distance_squared(job->points + i * job->width, centre, job->width);
            r->near[i] = d < r->near[i] ? d : r->near[i];
        }
    }
}

// Gives whether any point moved to another centre.
static bool run_assign(const kmeans_job *job, kmeans_run *r)
{
    bool moved = false;
    r->inertia = 0;
    for (size_t i = 0; i < job->count; i++) {
        double best = DBL_MAX;
        uint32_t nearest = 0;
        for (uint32_t c = 0; c < job->clusters; c++) {
            double d = distance_squared(job->points + i * job->width, r->centres + c * job->width,
                                        job->width);
            if (d < best) {
                best = d;
                nearest = c;
            }
        }
        moved = moved || r->assignment[i] != nearest;
        r->assignment[i] = nearest;
        r->inertia += best;
    }
    return moved;
}

// An empty cluster keeps its centre.
static void run_average(const kmeans_job *job, kmeans_run *r)
{
    memset(r->members, 0, job->clusters * sizeof(double));
    for (size_t i = 0; i < job->count; i++) {
        r->members[r->assignment[i]] += 1;
    }
    for (uint32_t c = 0; c < job->clusters; c++) {
        if (r->members[c] > 0) {
            memset(r->centres + c * job->width, 0, job->width * sizeof(double));
        }
    }
    for (size_t i = 0; i < job->count; i++) {
        double *centre = r->centres + r->assignment[i] * job->width;
        const double *point = job->points + i * job->width;
        for (size_t k = 0; k < job->width; k++) {
            centre[k] += point[k];
        }
    }
    for (uint32_t c = 0; c < job->clusters; c++) {
        for (size_t k = 0; k < job->width && r->members[c] > 0; k++) {
            r->centres[c * job->width + k] /= r->members[c];
        }
    }
}

static void run_start(void *context, size_t tile, size_t worker)
{
    (void)worker;
    const kmeans_job *job = context;
    kmeans_run *r = &job->runs[tile];
    run_seed(job, r, tile);
    for (size_t i = 0; i < job->count; i++) {
        r->assignment[i] = UINT32_MAX;
    }
    for (int i = 0; i < ITERATIONS && run_assign(job, r); i++) {
        run_average(job, r);
    }
}

rml_status rml_kmeans(const double *points, size_t count, size_t dim, uint32_t clusters,
                      uint32_t starts, uint64_t seed, rml_pool *pool, uint32_t *assignment,
                      double *inertia, rml_error *err)
{
    assert(count > 0 && dim > 0 && clusters > 0 && starts > 0);
    rml_arena arena = {0};
    kmeans_job job = {.count = count, .clusters = clusters, .seed = seed};
    job.width = (dim + LANES - 1) / LANES * LANES;
    double *padded = RML_NEW_ARRAY(&arena, double, count *job.width);
    job.runs = RML_NEW_ARRAY(&arena, kmeans_run, starts);
    bool whole = padded && job.runs;
    for (uint32_t s = 0; s < starts && whole; s++) {
        kmeans_run *r = &job.runs[s];
        r->centres = RML_NEW_ARRAY(&arena, double, clusters *job.width);
        r->near = RML_NEW_ARRAY(&arena, double, count);
        r->members = RML_NEW_ARRAY(&arena, double, clusters);
        r->assignment = RML_NEW_ARRAY(&arena, uint32_t, count);
        whole = r->centres && r->near && r->members && r->assignment;
    }
    if (!whole) {
        rml_arena_reset(&arena);
        return rml_fail_memory(err, count * job.width * sizeof(double));
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(padded + i * job.width, points + i * dim, dim * sizeof(double));
    }
    job.points = padded;
    rml_pool_run(pool, starts, run_start, &job);
    const kmeans_run *best = &job.runs[0];
    for (uint32_t s = 1; s < starts; s++) {
        best = job.runs[s].inertia < best->inertia ? &job.runs[s] : best;
    }
    memcpy(assignment, best->assignment, count * sizeof *assignment);
    *inertia = best->inertia;
    rml_arena_reset(&arena);
    return RML_OK;
}
