// Plane poses and the Cholesky solve of small systems.
#include "roadmill/math.h"

#include <math.h>

void rml_pose2_apply(const rml_pose2 *map_from_body, double x, double y, double *out_x,
                     double *out_y)
{
    double c = rml_f64_cos(map_from_body->yaw_rad), s = rml_f64_sin(map_from_body->yaw_rad);
    *out_x = map_from_body->x_m + (c * x - s * y);
    *out_y = map_from_body->y_m + (s * x + c * y);
}

void rml_pose2_inverse_apply(const rml_pose2 *map_from_body, double x, double y, double *out_x,
                             double *out_y)
{
    double c = rml_f64_cos(map_from_body->yaw_rad), s = rml_f64_sin(map_from_body->yaw_rad);
    double dx = x - map_from_body->x_m, dy = y - map_from_body->y_m;
    *out_x = c * dx + s * dy;
    *out_y = c * dy - s * dx;
}

// Source: Golub and Van Loan, Matrix Computations, 4.2.5 (row-oriented, lower triangle).
bool rml_cholesky_solve(size_t n, size_t m, double ridge, double *a, double *b)
{
    for (size_t i = 0; i < n; i++) {
        double *row = a + i * n;
        for (size_t j = 0; j <= i; j++) {
            const double *other = a + j * n;
            double sum = row[j] + (i == j ? ridge : 0.0);
            for (size_t k = 0; k < j; k++) {
                sum -= row[k] * other[k];
            }
            if (i == j) {
                if (!(sum > 0.0 && sum < INFINITY)) {
                    return false;
                }
                row[i] = sqrt(sum);
            } else {
                row[j] = sum / other[j];
            }
        }
    }
    for (size_t i = 0; i < n; i++) { // L Y = B
        for (size_t k = 0; k < i; k++) {
            for (size_t c = 0; c < m; c++) {
                b[i * m + c] -= a[i * n + k] * b[k * m + c];
            }
        }
        for (size_t c = 0; c < m; c++) {
            b[i * m + c] /= a[i * n + i];
        }
    }
    for (size_t i = n; i-- > 0;) { // L' X = Y
        for (size_t k = i + 1; k < n; k++) {
            for (size_t c = 0; c < m; c++) {
                b[i * m + c] -= a[k * n + i] * b[k * m + c];
            }
        }
        for (size_t c = 0; c < m; c++) {
            b[i * m + c] /= a[i * n + i];
        }
    }
    return true;
}
