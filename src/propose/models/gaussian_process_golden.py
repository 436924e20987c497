"""Golden values for gaussian_process_golden_test.cpp, from scikit-learn's Gaussian process.

    pip install scikit-learn==1.9.1 numpy
    python3 gaussian_process_golden.py > gaussian_process_golden.inc

Shares no code with the library: kernel, factorisation, posterior, likelihood and its gradient are
scikit-learn's. Only the priors (see gaussian_process.h) are written out here a second time.
"""
import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

N, D = 18, 3
LENGTH, SCALE, NOISE, MEAN = np.array([0.3, 0.9, 2.5]), 1.7, 0.02, 0.15


def noise_free(x):
    return np.sin(5 * x[:, 0]) + x[:, 1] ** 2 - 0.3 * x[:, 2]


def numbers(name, values):
    text = ", ".join(repr(float(v)) for v in np.ravel(values))
    print(f"const std::vector<double> {name} = {{{text}}};")


def main():
    rng = np.random.default_rng(11)
    x, there = rng.random((N, D)), rng.random((6, D))
    y = noise_free(x) + 0.1 * rng.standard_normal(N)
    kernel = ConstantKernel(SCALE) * Matern(LENGTH, nu=2.5) + WhiteKernel(NOISE)
    gp = GaussianProcessRegressor(kernel, alpha=1e-8 * SCALE, optimizer=None).fit(x, y - MEAN)
    mean, deviation = gp.predict(there, return_std=True)
    value, gradient = gp.log_marginal_likelihood(gp.kernel_.theta, eval_gradient=True)
    # scikit-learn: log scale, log lengths, log noise; its jitter does not move with the scale, ours
    # (1e-8 of it) does, and the mean is not among its parameters.
    k = gp.kernel_(x) + 1e-8 * SCALE * np.eye(N)
    inverse = np.linalg.inv(k)
    alpha = inverse @ (y - MEAN)
    jitter = 0.5 * 1e-8 * SCALE * (np.trace(inverse) - alpha @ alpha)
    slope = np.concatenate([-gradient[1:1 + D], [-gradient[0] + jitter, -gradient[1 + D]], [-alpha.sum()]])
    off = np.log(LENGTH) - (np.sqrt(2) + 0.5 * np.log(D))
    prior = (off**2 / 6 + np.log(LENGTH)).sum()
    prior += 0.5 * ((np.log(SCALE) / 1.5) ** 2 + ((np.log(NOISE) + 6) / 2.5) ** 2 + MEAN**2)
    slope[:D] += off / 3 + 1
    slope[D:] += [np.log(SCALE) / 1.5**2, (np.log(NOISE) + 6) / 2.5**2, MEAN]
    print("// Written by gaussian_process_golden.py; do not edit.")
    numbers("kLogLength", np.log(LENGTH))
    numbers("kLogScaleLogNoiseMean", [np.log(SCALE), np.log(NOISE), MEAN])
    numbers("kX", x)
    numbers("kY", y)
    numbers("kThere", there)
    numbers("kMean", mean + MEAN)
    numbers("kVariance", deviation**2 - NOISE)
    numbers("kNegativeLogPosterior", [-value + prior])
    numbers("kGradient", slope)


main()
