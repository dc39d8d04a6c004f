// model: k-means++ seeding (Arthur and Vassilvitskii, SODA 2007) and Lloyd's iterations, the same
// bits at any number of threads: a start is a tile, and a sum has eight lanes and one fixed tree.
//
// A point whose centre is surely the nearest is not looked at again (Hamerly, "Making k-means even
// faster", SDM 2010): that changes no assignment, so no bit.
#include "kmeans.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "roadmill/base/random.h"

enum { LANES = 8, ITERATIONS = 200 };

typedef struct kmeans_run {
    double *centres; // [clusters][width]
    double *near;    // [count]: squared distance to the own centre, while seeding
    double *within;  // [count]: the own centre is no farther
    double *beyond;  // [count]: no other centre is nearer
    double *before;  // [clusters][width]: the centres of the last iteration
    double *ways;    // [clusters]: how far the last average moved them
    double *members; // [clusters]
    uint32_t *assignment;
    double inertia;
} kmeans_run;

typedef struct kmeans_job {
    const double *points; // [count][width], padded by zeros to whole lanes, or two
    size_t count, width;
    uint32_t clusters;
    uint64_t seed;
    kmeans_run *runs; // a start each
} kmeans_job;

// Two of the lanes, in a register of any instruction set.
typedef double pair __attribute__((vector_size(2 * sizeof(double))));

static pair load(const double *from)
{
    pair x;
    memcpy(&x, from, sizeof x);
    return x;
}

static pair difference_squared(const double *a, const double *b)
{
    pair d = load(a) - load(b);
    return d * d;
}

static double distance_squared(const double *a, const double *b, size_t width)
{
    if (width == 2) { // the other lanes would be zero
        pair only = difference_squared(a, b);
        return only[0] + only[1];
    }
    pair lane0 = {0}, lane2 = {0}, lane4 = {0}, lane6 = {0};
    for (size_t i = 0; i < width; i += LANES) {
        lane0 += difference_squared(a + i, b + i);
        lane2 += difference_squared(a + i + 2, b + i + 2);
        lane4 += difference_squared(a + i + 4, b + i + 4);
        lane6 += difference_squared(a + i + 6, b + i + 6);
    }
    pair half = (lane0 + lane4) + (lane2 + lane6);
    return half[0] + half[1];
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

// Of rounding in bounds, far more than what it can be.
static const double SLACK = 1e-9;

static double to_centre(const kmeans_job *job, const kmeans_run *r, size_t i, uint32_t c)
{
    return distance_squared(job->points + i * job->width, r->centres + c * job->width, job->width);
}

// The nearest centre of a point, with its bounds.
static uint32_t nearest_of(const kmeans_job *job, const kmeans_run *r, size_t i)
{
    double best = DBL_MAX, second = DBL_MAX;
    uint32_t nearest = 0;
    for (uint32_t c = 0; c < job->clusters; c++) {
        double d = to_centre(job, r, i, c);
        if (d < best) {
            second = best;
            best = d;
            nearest = c;
        } else if (d < second) {
            second = d;
        }
    }
    r->within[i] = sqrt(best) * (1 + SLACK);
    r->beyond[i] = sqrt(second) * (1 - SLACK);
    return nearest;
}

// Gives whether any point moved to another centre.
static bool run_assign(const kmeans_job *job, kmeans_run *r)
{
    bool moved = false;
    for (size_t i = 0; i < job->count; i++) {
        if (r->within[i] < r->beyond[i]) {
            continue;
        }
        uint32_t nearest = nearest_of(job, r, i);
        moved = moved || r->assignment[i] != nearest;
        r->assignment[i] = nearest;
    }
    return moved;
}

static double run_inertia(const kmeans_job *job, const kmeans_run *r)
{
    double sum = 0;
    for (size_t i = 0; i < job->count; i++) {
        sum += to_centre(job, r, i, r->assignment[i]);
    }
    return sum;
}

// What bounds lose when centres have moved.
static void run_loosen(const kmeans_job *job, kmeans_run *r)
{
    double most = 0;
    for (uint32_t c = 0; c < job->clusters; c++) {
        size_t at = c * job->width;
        double way = sqrt(distance_squared(r->before + at, r->centres + at, job->width));
        r->ways[c] = way * (1 + SLACK);
        most = r->ways[c] > most ? r->ways[c] : most;
    }
    for (size_t i = 0; i < job->count; i++) {
        r->within[i] += r->ways[r->assignment[i]];
        r->beyond[i] -= most;
    }
}

// An empty cluster keeps its centre.
static void run_average(const kmeans_job *job, kmeans_run *r)
{
    memcpy(r->before, r->centres, job->clusters * job->width * sizeof(double));
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
        for (size_t k = 0; k < job->width; k += 2) {
            pair sum = load(centre + k) + load(point + k);
            memcpy(centre + k, &sum, sizeof sum);
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
        r->within[i] = 1; // nothing is known
        r->beyond[i] = 0;
    }
    bool moved = true;
    for (int i = 0; moved && i < ITERATIONS; i++) {
        moved = run_assign(job, r);
        if (!moved || i + 1 == ITERATIONS) {
            r->inertia = run_inertia(job, r);
        }
        if (moved) {
            run_average(job, r);
            run_loosen(job, r);
        }
    }
}

rml_status rml_kmeans(const double *points, size_t count, size_t dim, uint32_t clusters,
                      uint32_t starts, uint64_t seed, rml_pool *pool, uint32_t *assignment,
                      double *inertia, rml_error *err)
{
    assert(count > 0 && dim > 0 && clusters > 0 && starts > 0);
    rml_arena arena = {0};
    kmeans_job job = {.count = count, .clusters = clusters, .seed = seed};
    job.width = dim <= 2 ? 2 : (dim + LANES - 1) / LANES * LANES;
    double *padded = RML_NEW_ARRAY(&arena, double, count *job.width);
    job.runs = RML_NEW_ARRAY(&arena, kmeans_run, starts);
    bool whole = padded && job.runs;
    for (uint32_t s = 0; s < starts && whole; s++) {
        kmeans_run *r = &job.runs[s];
        r->centres = RML_NEW_ARRAY(&arena, double, clusters *job.width);
        r->near = RML_NEW_ARRAY(&arena, double, count);
        r->before = RML_NEW_ARRAY(&arena, double, clusters *job.width);
        r->within = RML_NEW_ARRAY(&arena, double, count);
        r->beyond = RML_NEW_ARRAY(&arena, double, count);
        r->ways = RML_NEW_ARRAY(&arena, double, clusters);
        r->members = RML_NEW_ARRAY(&arena, double, clusters);
        r->assignment = RML_NEW_ARRAY(&arena, uint32_t, count);
        whole = r->centres && r->near && r->before && r->within && r->beyond && r->ways &&
                r->members && r->assignment;
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
