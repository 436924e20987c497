"""The peers of bench/optimizers: the same problems (asked from problem_server), the same initial design.

    peers.py run SERVER FILE --solvers optuna-tpe,... [--seeds N] [--first N] [--problems a,b] [--part I/N] [--seconds S]
    peers.py proposals --solvers ... [--repeats N]

`run` appends one JSON line a run to FILE and leaves out what is there, so that it can be stopped and
started again. `proposals` prints processor seconds a proposal on the history of bench/proposals: 200
trials, 20 parameters, 3 measured constraints.

How each peer meets what it has no notion of, always as its experienced user would:
  * not computable: told as infeasible by 1, with the worst value seen (Optuna, SCBO: a failed trial teaches them nothing);
  * constraints in SMAC3, which has none: a static penalty, worst value of the design + violations in units of the design;
  * conditions in SCBO and HEBO, which have none: all parameters always, those that are inactive without effect.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import time
import warnings

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
warnings.filterwarnings("ignore")

import numpy as np

BUDGETS = (30, 60, 100)


class Server:
    """problem_server over pipes."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if isinstance(answer, dict) and "error" in answer:
            raise SystemExit(f"problem_server: {answer['error']}")
        return answer


def active(parameters, point):
    """The part of a flat point whose conditions hold."""
    kept = {}
    for p in parameters:
        if all(c["parent"] in kept and kept[c["parent"]] in c["values"] for c in p["conditions"]):
            kept[p["name"]] = point[p["name"]]
    return kept


class History:
    """What a solver has seen: values with substitutes for what was not computable, and violations."""

    def __init__(self, constraints):
        self.constraints = constraints
        self.worst = None

    def told(self, answer):
        value, g = answer["value"], answer["g"]
        computable = value is not None and all(v is not None for v in g)  # JSON has null for NaN and infinity
        if computable:
            self.worst = value if self.worst is None else max(self.worst, value)
            return value, g, all(v <= 0 for v in g)
        return (0.0 if self.worst is None else self.worst), [1.0] * max(self.constraints, 1), False


class Optuna:
    def __init__(self, problem, seed, kind):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.optuna, self.problem = optuna, problem
        constraints = (lambda t: t.user_attrs["g"]) if problem["constraints"] else None
        if kind == "gp":
            import torch

            torch.set_num_threads(1)
            sampler = optuna.samplers.GPSampler(seed=seed, n_startup_trials=0, deterministic_objective=True,
                                                constraints_func=constraints)
        else:
            sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=0, constraints_func=constraints)
        self.study = optuna.create_study(sampler=sampler)

    def suggest(self, trial):
        point = {}
        for p in self.problem["parameters"]:
            if not all(c["parent"] in point and point[c["parent"]] in c["values"] for c in p["conditions"]):
                continue
            name = p["name"]
            if p["kind"] == "real":
                point[name] = trial.suggest_float(name, p["low"], p["high"], log=p["log"])
            elif p["kind"] == "integer":
                point[name] = trial.suggest_int(name, int(p["low"]), int(p["high"]))
            else:
                point[name] = trial.suggest_categorical(name, p["values"])
        return point

    def start(self, point):
        self.study.enqueue_trial(point)

    def ask(self):
        self.trial = self.study.ask()
        return self.suggest(self.trial)

    def tell(self, value, g, _):
        self.trial.set_user_attr("g", g)
        self.study.tell(self.trial, value)


class Smac:
    def __init__(self, problem, seed):
        import ConfigSpace as cs
        import logging
        from smac import HyperparameterOptimizationFacade as Facade, Scenario

        logging.disable(logging.CRITICAL)
        self.space, self.problem = cs.ConfigurationSpace(seed=seed), problem
        made = {}
        for p in problem["parameters"]:
            if p["kind"] == "real":
                h = cs.Float(p["name"], (p["low"], p["high"]), log=p["log"])
            elif p["kind"] == "integer":
                h = cs.Integer(p["name"], (int(p["low"]), int(p["high"])))
            else:
                h = cs.Categorical(p["name"], p["values"])
            made[p["name"]] = h
            self.space.add(h)
        for p in problem["parameters"]:
            for c in p["conditions"]:
                self.space.add(cs.InCondition(made[p["name"]], made[c["parent"]], c["values"]))
        scenario = Scenario(self.space, deterministic=True, n_trials=1000, seed=seed,
                            output_directory=f"/tmp/smac-{os.getpid()}")
        self.cs = cs
        self.smac = Facade(scenario, lambda c, seed=0: 0.0, overwrite=True, logging_level=False,
                           initial_design=Facade.get_initial_design(scenario, n_configs=0, additional_configs=[]))
        self.design, self.pending, self.scale = [], None, None

    def start(self, point):
        pass

    def ask(self):
        self.info = self.smac.ask()
        return {k: v.item() if hasattr(v, "item") else v for k, v in dict(self.info.config).items()}

    def cost(self, value, g, good):
        if good or not self.problem["constraints"] and self.worst is None:
            return value
        violation = sum(max(0.0, v) / s for v, s in zip(g, self.scale)) if self.scale else sum(max(0.0, v) for v in g)
        return self.worst + self.spread * (0.1 + violation)

    def add_design(self, points, told):
        from smac.runhistory.dataclasses import TrialInfo, TrialValue

        values = [v for v, _, _ in told]
        self.worst, self.spread = max(values), max(max(values) - min(values), 1e-9)
        gs = np.abs(np.array([g for _, g, _ in told], dtype=float)) if told[0][1] else None
        self.scale = [max(float(np.median(gs[:, j])), 1e-9) for j in range(gs.shape[1])] if gs is not None else None
        for point, t in zip(points, told):
            config = self.cs.Configuration(self.space, values=point)
            self.smac.tell(TrialInfo(config=config, seed=0), TrialValue(cost=self.cost(*t)))

    def tell(self, value, g, good):
        from smac.runhistory.dataclasses import TrialValue

        self.smac.tell(self.info, TrialValue(cost=self.cost(value, g, good)))


class Scbo:
    """Eriksson and Poloczek, AISTATS 2021, with BoTorch's parts and the settings of BoTorch's tutorial."""

    def __init__(self, problem, seed):
        import torch

        torch.set_num_threads(1)
        torch.manual_seed(seed)
        self.torch, self.problem, self.seed = torch, problem, seed
        self.dim = len(problem["parameters"])
        self.x, self.y, self.c = [], [], []
        self.restart()

    def restart(self):
        """A fresh region; all data are kept (the tutorial ends here; 100 evaluations seldom get so far)."""
        self.length, self.success, self.failure = 0.8, 0, 0

    def flat(self, point):
        row = []
        for p in self.problem["parameters"]:
            v = point.get(p["name"])
            if v is None:
                row.append(0.5)
            elif p["kind"] in ("real", "integer"):
                row.append((v - p["low"]) / (p["high"] - p["low"]))
            else:
                row.append((p["values"].index(v) + 0.5) / len(p["values"]))
        return row

    def point(self, row):
        out = {}
        for p, u in zip(self.problem["parameters"], row):
            if p["kind"] == "real":
                out[p["name"]] = min(max(p["low"] + u * (p["high"] - p["low"]), p["low"]), p["high"])
            elif p["kind"] == "integer":
                out[p["name"]] = int(round(p["low"] + u * (p["high"] - p["low"])))
            else:
                out[p["name"]] = p["values"][min(int(u * len(p["values"])), len(p["values"]) - 1)]
        return active(self.problem["parameters"], out)

    def add_design(self, points, told):
        for point, (value, g, _) in zip(points, told):
            self.x.append(self.flat(point))
            self.y.append(-value)
            self.c.append([math.copysign(math.log1p(abs(v)), v) for v in g])  # bilog, as in the paper

    def model(self, x, y):
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import SingleTaskGP
        from botorch.models.transforms.outcome import Standardize
        from gpytorch.constraints import Interval
        from gpytorch.kernels import MaternKernel, ScaleKernel
        from gpytorch.likelihoods import GaussianLikelihood
        from gpytorch.mlls import ExactMarginalLogLikelihood

        gp = SingleTaskGP(
            x, y, likelihood=GaussianLikelihood(noise_constraint=Interval(1e-8, 1e-3)),
            covar_module=ScaleKernel(MaternKernel(nu=2.5, ard_num_dims=self.dim, lengthscale_constraint=Interval(0.005, 4.0))),
            outcome_transform=Standardize(m=1))
        try:
            fit_gpytorch_mll(ExactMarginalLogLikelihood(gp.likelihood, gp))
        except Exception:
            pass  # BoTorch gives up where data are constant: the start values serve
        return gp

    def centre(self):
        rows = list(range(len(self.x)))
        total = [sum(max(v, 0.0) for v in c) for c in self.c]
        good = [i for i in rows if total[i] == 0]
        return max(good, key=lambda i: self.y[i]) if good else min(rows, key=lambda i: total[i])

    def start(self, point):
        pass

    def ask(self):
        from botorch.generation.sampling import ConstrainedMaxPosteriorSampling, MaxPosteriorSampling
        from botorch.models import ModelListGP
        from torch.quasirandom import SobolEngine

        t = self.torch
        x = t.tensor(self.x, dtype=t.double)
        y = t.tensor(self.y, dtype=t.double).unsqueeze(-1)
        gp = self.model(x, y)
        centre = x[self.centre()]
        low, high = (centre - self.length / 2).clamp(0, 1), (centre + self.length / 2).clamp(0, 1)
        count = min(5000, max(2000, 200 * self.dim))
        points = SobolEngine(self.dim, scramble=True, seed=self.seed * 1000 + len(self.x)).draw(count, dtype=t.double)
        mask = t.rand(count, self.dim) <= min(20.0 / self.dim, 1.0)
        mask[~mask.any(1), 0] = True
        candidates = t.where(mask, low + (high - low) * points, centre)
        if self.c[0]:
            limits = [self.model(x, t.tensor([c[j] for c in self.c], dtype=t.double).unsqueeze(-1))
                      for j in range(len(self.c[0]))]
            rule = ConstrainedMaxPosteriorSampling(model=gp, constraint_model=ModelListGP(*limits), replacement=False)
        else:
            rule = MaxPosteriorSampling(model=gp, replacement=False)
        with t.no_grad():
            row = rule(candidates, num_samples=1)[0].tolist()
        self.last = self.point(row)
        return self.last

    def tell(self, value, g, good):
        self.add_design([self.last], [(value, g, good)])
        now = self.centre()
        if now == len(self.x) - 1:
            self.success, self.failure = self.success + 1, 0
        else:
            self.success, self.failure = 0, self.failure + 1
        if self.success >= 10:
            self.length, self.success = min(2 * self.length, 1.6), 0
        elif self.failure >= math.ceil(max(4.0, self.dim)):
            self.length, self.failure = self.length / 2, 0
        if self.length < 0.5 ** 7:
            self.restart()


class Hebo:
    """HEBO's GeneralBO, which models every constraint by a Gaussian process of its own, with its own settings."""

    def __init__(self, problem, seed):
        import pandas
        import torch
        from hebo.design_space.design_space import DesignSpace
        from hebo.optimizers.general import GeneralBO

        torch.set_num_threads(1)
        torch.manual_seed(seed)
        np.random.seed(seed)
        self.pandas, self.problem = pandas, problem
        self.bo = GeneralBO(DesignSpace().parse([self.parameter(p) for p in problem["parameters"]]), num_obj=1,
                            num_constr=problem["constraints"], rand_sample=2)

    @staticmethod
    def parameter(p):
        if p["kind"] == "categorical":
            return {"name": p["name"], "type": "cat", "categories": p["values"]}
        kind = "int" if p["kind"] == "integer" else "pow" if p["log"] else "num"
        number = int if kind == "int" else float
        return {"name": p["name"], "type": kind, "lb": number(p["low"]), "ub": number(p["high"])}

    def middle(self, p):
        """Stands for a parameter that is not active."""
        if p["kind"] == "categorical":
            return p["values"][0]
        middle = (p["low"] + p["high"]) / 2
        return int(middle) if p["kind"] == "integer" else middle

    def observe(self, rows, told):
        columns = [p["name"] for p in self.problem["parameters"]]
        y = np.array([[value, *g] for value, g, _ in told], dtype=float)
        self.bo.observe_new_data(self.pandas.DataFrame(rows, columns=columns), y)

    def add_design(self, points, told):
        self.observe([{p["name"]: point.get(p["name"], self.middle(p)) for p in self.problem["parameters"]}
                      for point in points], told)

    def ask(self):
        row = self.bo.suggest(1).iloc[0].to_dict()
        self.last = {k: v.item() if hasattr(v, "item") else v for k, v in row.items()}
        return active(self.problem["parameters"], self.last)

    def tell(self, value, g, good):
        self.observe([self.last], [(value, g, good)])


SOLVERS = {
    "optuna-tpe": lambda problem, seed: Optuna(problem, seed, "tpe"),
    "optuna-gp": lambda problem, seed: Optuna(problem, seed, "gp"),
    "smac3-penalty": Smac,
    "botorch-scbo": Scbo,
    "hebo": Hebo,
}


def run(server, problem, solver, seed, budget):
    design = server.ask(f"design {problem['name']} {seed}")
    history, peer = History(problem["constraints"]), SOLVERS[solver](problem, seed)
    best, record, seconds, proposals = math.inf, [], 0.0, 0

    def evaluate(point):
        nonlocal best
        told = history.told(server.ask(f"eval {problem['name']} {json.dumps(point)}"))
        if told[2]:
            best = min(best, told[0])
        return told

    def note(done):
        if done in BUDGETS:
            record.append(best if math.isfinite(best) else None)

    begin(peer, design, evaluate)
    for done in range(len(design) + 1, budget + 1):
        start = time.process_time()
        point = peer.ask()
        seconds += time.process_time() - start
        told = evaluate(point)
        start = time.process_time()
        peer.tell(*told)
        seconds += time.process_time() - start
        proposals += 1
        note(done)
    return {"solver": solver, "problem": problem["name"], "seed": seed, "best": record,
            "seconds_per_proposal": seconds / proposals}


def begin(peer, design, evaluate):
    """The common design, told to a peer that takes it at once or point by point."""
    if hasattr(peer, "add_design"):
        peer.add_design(design, [evaluate(point) for point in design])
        return
    for point in design:
        peer.start(point)
        peer.ask()
        peer.tell(*evaluate(point))


def known(path):
    if not os.path.exists(path):
        return set()
    with open(path) as file:
        rows = [json.loads(line) for line in file if line.endswith("\n")]
    return {(r["solver"], r["problem"], r["seed"]) for r in rows}


def run_all(o):
    server = Server(o.server)
    chosen = [p for p in server.ask("problems") if not o.problems or p["name"] in o.problems.split(",")]
    jobs = [(p, solver, seed) for seed in range(o.first, o.seeds) for solver in o.solvers.split(",") for p in chosen]
    part, parts = map(int, o.part.split("/"))
    done, began = known(o.file), time.time()
    for problem, solver, seed in jobs[part::parts]:
        if (solver, problem["name"], seed) in done:
            continue
        if time.time() - began > o.seconds:
            return
        record = run(server, problem, solver, seed, BUDGETS[-1])
        with open(o.file, "a") as file:
            file.write(json.dumps(record) + "\n")


def proposals(o):
    """The history of bench/proposals: of five parameters three are real, one whole, one a word."""
    parameters = []
    for i in range(20):
        kind = ("real", "real", "real", "integer", "categorical")[i % 5]
        low, high = (1, 16) if kind == "integer" else (0, 1)
        parameters.append({"name": f"x{i}", "kind": kind, "low": low, "high": high, "log": False,
                           "values": ["a", "b", "c"] if kind == "categorical" else [], "conditions": []})

    def evaluate(point):
        x = []
        for p in parameters:  # the encoding of bench/proposals: unit axis, middle of the step, index of the word
            v = point[p["name"]]
            x.append(p["values"].index(v) if p["values"] else (v - 0.5) / 16 if p["kind"] == "integer" else v)
        value = -sum(math.cos(3 * v + i) for i, v in enumerate(x))
        g = [sum(math.sin(2 * v + i * (j + 1)) for i, v in enumerate(x)) / 20 - 0.05 for j in range(3)]
        return value, g, all(v <= 0 for v in g)

    problem = {"name": "proposals", "parameters": parameters, "constraints": 3}
    rng = np.random.default_rng(1)
    draw = {"real": lambda p: float(rng.random()), "integer": lambda p: int(rng.integers(1, 17)),
            "categorical": lambda p: p["values"][rng.integers(3)]}
    points = [{p["name"]: draw[p["kind"]](p) for p in parameters} for _ in range(200)]
    for solver in o.solvers.split(","):
        peer = SOLVERS[solver](problem, 1)
        begin(peer, points, evaluate)
        times = []
        for _ in range(o.repeats):
            start = time.process_time()
            point = peer.ask()
            times.append(time.process_time() - start)
            told = evaluate(point)
            start = time.process_time()
            peer.tell(*told)
            times[-1] += time.process_time() - start
        times.sort()
        print(json.dumps({"name": solver, "median": times[len(times) // 2], "largest": times[-1], "repeats": o.repeats}),
              flush=True)


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    r = commands.add_parser("run")
    r.add_argument("server")
    r.add_argument("file")
    r.add_argument("--seeds", type=int, default=20, help="seeds FIRST .. SEEDS-1")
    r.add_argument("--first", type=int, default=0)
    r.add_argument("--problems", default="")
    r.add_argument("--part", default="0/1")
    r.add_argument("--seconds", type=float, default=math.inf, help="starts no run after this")
    p = commands.add_parser("proposals")
    p.add_argument("--repeats", type=int, default=5)
    for command in (r, p):
        command.add_argument("--solvers", default=",".join(SOLVERS))
    o = parser.parse_args()
    unknown = [s for s in o.solvers.split(",") if s not in SOLVERS]
    if unknown:
        sys.exit(f"peers.py: unknown solver {unknown[0]}; there are {', '.join(SOLVERS)}")
    run_all(o) if o.command == "run" else proposals(o)


if __name__ == "__main__":
    main()
