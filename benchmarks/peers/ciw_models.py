"""The first centre of `benchmarks.kernel` in Ciw. The second cannot be stated: every free server of a node takes every
customer of the node; a server without the skill for a class of customers would need another `Node`."""

import ciw

from benchmarks.peers.cases import A_AGENTS, A_PATIENCE, A_PER_MINUTE, A_SERVICE, Found, Run


def ciw_a(calls: int) -> Run:
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(A_PER_MINUTE)],
        service_distributions=[ciw.dists.Exponential(1 / A_SERVICE)],
        reneging_time_distributions=[ciw.dists.Exponential(1 / A_PATIENCE)],
        number_of_servers=[A_AGENTS],
    )

    def run(number: int) -> Found:
        ciw.seed(number)
        simulation = ciw.Simulation(network)
        simulation.simulate_until_max_customers(calls, method="Arrive")
        records = simulation.get_all_records()
        waits = [record.waiting_time for record in records if record.record_type in ("service", "renege")]
        return sum(wait > 0 for wait in waits) / len(waits), calls

    return run
