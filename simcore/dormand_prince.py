"""Coefficients of the embedded Runge-Kutta pair 5(4) with dense output.

J. R. Dormand, P. J. Prince, J. Comput. Appl. Math. 6 (1980); the interpolant of order 4 is
L. F. Shampine, Math. Comp. 46 (1986). Step control after E. Hairer, S. P. Norsett, G. Wanner,
Solving Ordinary Differential Equations I, II.4 and IV.2. Constants only: both kernel files freeze
them into their compiled code.
"""

import numpy as np

STAGES = 7

# y_s = y + h sum_j A[s, j] k_j; the last row gives the step itself (first same as last).
A = np.array(
    [
        [0, 0, 0, 0, 0, 0],
        [1 / 5, 0, 0, 0, 0, 0],
        [3 / 40, 9 / 40, 0, 0, 0, 0],
        [44 / 45, -56 / 15, 32 / 9, 0, 0, 0],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0, 0],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0],
        [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
    ]
)

# Order 5 minus order 4: the error estimate is h sum_j E[j] k_j.
E = np.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])

# y(t + theta h) = y + h sum_j k_j sum_p P[j, p] theta^(p + 1).
P = np.array(
    [
        [1, -8048581381 / 2820520608, 8663915743 / 2820520608, -12715105075 / 11282082432],
        [0, 0, 0, 0],
        [0, 131558114200 / 32700410799, -68118460800 / 10900136933, 87487479700 / 32700410799],
        [0, -1754552775 / 470086768, 14199869525 / 1410260304, -10690763975 / 1880347072],
        [0, 127303824393 / 49829197408, -318862633887 / 49829197408, 701980252875 / 199316789632],
        [0, -282668133 / 205662961, 2019193451 / 616988883, -1453857185 / 822651844],
        [0, 40617522 / 29380423, -110615467 / 29380423, 69997945 / 29380423],
    ]
)

# Controller: h *= SAFETY err^-ORDER_P err_old^ORDER_I, within [SHRINK, GROW].
SAFETY = 0.9
MEMORY = 0.04  # Hairer's beta: damps the step-size oscillation of stiff problems
EXPONENT = 0.2 - 0.75 * MEMORY
SHRINK = 0.2
GROW = 10.0
