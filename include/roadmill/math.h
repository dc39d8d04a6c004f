// math: elementary functions and small linear algebra with the same bits on every machine.
//
// libm's differ by processor and version; these use only +, -, *, /, sqrt and fma, in a fixed
// order, so results are the same everywhere (built with -ffp-contract=off). Pure; any thread. NaN
// in gives NaN out. Bounds on the error stand beside each function and are tested against 80-bit
// libm.
#ifndef ROADMILL_MATH_H
#define ROADMILL_MATH_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RML_PI 3.14159265358979323846

// float64, error below 2 ulp over the whole range.
RML_API double rml_f64_exp(double x);
RML_API double rml_f64_log(double x);
RML_API double rml_f64_log1p(double x);
RML_API double rml_f64_expm1(double x);
RML_API double rml_f64_tanh(double x);
RML_API double rml_f64_erf(double x);
RML_API double rml_f64_sin(double x); // |x| <= 2^20; beyond it NaN
RML_API double rml_f64_cos(double x);
RML_API double rml_f64_atan2(double y, double x);
RML_API double rml_f64_hypot(double x, double y);
RML_API double rml_f64_pow(double x, double y); // x > 0; error below 4 ulp for moderate results

// float32, error below 2 ulp. The engine's vector kernels return these bits.
RML_API float rml_f32_exp(float x);
RML_API float rml_f32_exp_down(float x); // x <= 0; zero below -87
RML_API float rml_f32_log(float x);
RML_API float rml_f32_tanh(float x);
// The standard normal distribution below x, error below 8e-8; *density is exp(-x^2 / 2).
RML_API float rml_f32_normal_below(float x, float *density);

RML_API double rml_angle_wrap(double rad); // to [-pi, pi)
// Standard normal quantile (for tests and intervals), error below 1e-9; p in (0, 1).
RML_API double rml_normal_quantile(double p);
RML_API double rml_normal_cdf(double x);
// Student's t: quantile for p in (0, 1), degrees >= 1; error below 1e-8.
RML_API double rml_student_quantile(double p, double degrees);
RML_API double rml_student_cdf(double t, double degrees);
// Standard normal from two counters of a Philox stream (Box-Muller).
RML_API double rml_random_normal(uint64_t seed, uint64_t stream, uint64_t index);

// A plane pose: map_from_body.
typedef struct rml_pose2 {
    double x_m, y_m, yaw_rad;
} rml_pose2;
RML_API void rml_pose2_apply(const rml_pose2 *map_from_body, double x, double y, double *out_x,
                             double *out_y);
RML_API void rml_pose2_inverse_apply(const rml_pose2 *map_from_body, double x, double y,
                                     double *out_x, double *out_y);

// Solves (A + ridge I) X = B for symmetric positive definite A by Cholesky.
// a[n*n] row-major, destroyed; b[n*m] row-major, becomes X. false if A is not positive definite.
RML_API bool rml_cholesky_solve(size_t n, size_t m, double ridge, double *a, double *b);

#ifdef __cplusplus
}
#endif
#endif
