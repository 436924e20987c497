// Models of the other two MLPerf Tiny topologies with random weights: what code, memory and
// instructions depend on is their structure. The trained files are not part of this project.
#pragma once

#include "quantize/model.h"

namespace atml::bench {

/// ResNet-8 for 32x32x3 images (image classification, 12.5 M multiply-accumulates).
quantize::Int8Model image_classification_topology();
/// MobileNetV1 x 0.25 for 96x96x3 images (visual wake words, 7.5 M multiply-accumulates).
quantize::Int8Model visual_wake_words_topology();
/// Eight layers with weights, as the built-in space `separable` blocks give them: a convolution,
/// three times depthwise and pointwise, a classifier.
quantize::Int8Model depthwise_topology();

}  // namespace atml::bench
