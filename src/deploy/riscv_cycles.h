// What RV32IMC instructions cost in cycles on small in-order cores.
#pragma once

#include <string_view>

namespace atml::deploy {

/// Cycles of one straight piece of code: best, typical and worst documented core, each without wait
/// states and without taken branches (those are added from their exact count).
///
///              low   mid   high   Ibex (2 stages), stalls + 1   CV32E40X (4 stages)
///   integer     1     1     1     1                             1
///   load        1     2     2     2 (1 + 1 to N)                1, use of its result next +1
///   store       1     1     2     2 (1 + 1 to N)                1
///   mul         1     1     3     1 or 3                        1
///   mulh*       1     2     4     2 or 4                        4
///   div, rem    3    19    37     37                            3 to 35
///   taken      +1    +2    +3     +2 (or +1)                    branch +2 (3 in all), jump +1
///
/// Sources: Ibex reference guide, "Pipeline Details"; CV32E40X user manual, "Pipeline". The cores
/// of the catalogue's parts (ESP32-C3, GD32VF103, CH32V307) publish no such tables, and no board's
/// figures were at hand: unvalidated.
struct RiscVCost {
  double low = 0, mid = 0, high = 0;
};
RiscVCost riscv_cost(std::string_view code);

inline constexpr RiscVCost kRiscVTaken{1, 2, 3};

}  // namespace atml::deploy
