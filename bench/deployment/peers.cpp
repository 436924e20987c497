#include "peers.h"

namespace atml::bench {

const std::vector<ReferenceModel>& reference_models() {
  static const std::vector<ReferenceModel> models{
      {"kws",
       {4038422865u, 1051151733u, 2287096408u},
       {{"TFLM + CMSIS-NN", 7699734, 107376, 24221},
        {"microTVM-C + CMSIS-NN", 8483943, 46848, 17232 + 490 + 12 + 756}}},
      {"ad",
       {533982470u, 2212411138u, 1441320309u},
       // microTVM's AD takes float input and output: 2,560 bytes each beside its workspace.
       {{"TFLM + CMSIS-NN", 582865, 305080, 3844},
        {"microTVM-C + CMSIS-NN", 605599, 275552, 1160 + 2560 + 2560 + 508}}},
  };
  return models;
}

}  // namespace atml::bench
