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

std::vector<PeerFigures> image_classification_peers() {
  return {{"TFLM + CMSIS-NN", 29863147, 149740, 56397},
          {"microTVM-C + CMSIS-NN", 31918977, 99952, 66112 + 3072 + 10 + 784}};
}

std::vector<PeerFigures> visual_wake_words_peers() {
  return {{"TFLM + CMSIS-NN", 24101543, 386728, 102109},
          {"microTVM-C + CMSIS-NN", 24937247, 285280, 64800 + 27648 + 2 + 848}};
}

}  // namespace atml::bench
