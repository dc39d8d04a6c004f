// What is known of an agent at an instant without looking ahead: backward differences of positions.
#include "roadmill/math.h"
#include "roadmill/world.h"

#include <math.h>

void rml_track_causal(const rml_track *track, rml_causal_state *out)
{
    double yaw = NAN;
    for (size_t i = 0; i < track->count; i++) {
        const rml_track_state *now = &track->states[i];
        out[i] = (rml_causal_state){now->x_m, now->y_m, NAN, NAN, NAN, NAN};
        if (i > 0) {
            const rml_track_state *before = &track->states[i - 1];
            double seconds = (double)(now->t_ns - before->t_ns) / 1e9;
            double dx = now->x_m - before->x_m, dy = now->y_m - before->y_m;
            double step = rml_f64_hypot(dx, dy);
            out[i].vx_mps = dx / seconds;
            out[i].vy_mps = dy / seconds;
            out[i].speed_mps = step / seconds;
            if (step > 1e-3) {
                yaw = rml_f64_atan2(dy, dx);
            }
        }
        out[i].yaw_rad = yaw;
    }
}
