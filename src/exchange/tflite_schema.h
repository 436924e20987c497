// The part of TFLite's FlatBuffers schema (version 3) that we read and write: public field numbers
// and enumerators. DO NOT CHANGE: they are a file format. Private to exchange.
#pragma once

namespace atml::exchange::schema {

enum ModelField {
  kModelVersion,
  kModelOperatorCodes,
  kModelSubgraphs,
  kModelDescription,
  kModelBuffers,
  kModelMetadataBuffer,
  kModelMetadata
};
enum OperatorCodeField { kCodeDeprecated, kCodeCustom, kCodeVersion, kCodeBuiltin };
enum SubgraphField { kGraphTensors, kGraphInputs, kGraphOutputs, kGraphOperators, kGraphName };
enum TensorField {
  kTensorShape,
  kTensorType,
  kTensorBuffer,
  kTensorName,
  kTensorQuantization,
  kTensorIsVariable
};
enum QuantizationField {
  kQuantMin,
  kQuantMax,
  kQuantScale,
  kQuantZeroPoint,
  kQuantDetailsType,
  kQuantDetails,
  kQuantDimension
};
enum BufferField { kBufferData };
enum MetadataField { kMetadataName, kMetadataBuffer };
enum OperatorField { kOpCode, kOpInputs, kOpOutputs, kOpOptionsType, kOpOptions };

enum ConvField {
  kConvPadding,
  kConvStrideW,
  kConvStrideH,
  kConvActivation,
  kConvDilationW,
  kConvDilationH
};
enum DepthwiseField {
  kDepthwisePadding,
  kDepthwiseStrideW,
  kDepthwiseStrideH,
  kDepthwiseMultiplier,
  kDepthwiseActivation,
  kDepthwiseDilationW,
  kDepthwiseDilationH
};
enum PoolField {
  kPoolPadding,
  kPoolStrideW,
  kPoolStrideH,
  kPoolFilterW,
  kPoolFilterH,
  kPoolActivation
};
enum FullyConnectedField { kDenseActivation, kDenseWeightsFormat, kDenseKeepDims };
enum SoftmaxField { kSoftmaxBeta };
enum ConcatenationField { kConcatAxis, kConcatActivation };
enum ElementwiseField { kElementwiseActivation };  // add, mul
enum ReducerField { kReducerKeepDims };
enum LeakyReluField { kLeakyReluAlpha };
enum ReshapeField { kReshapeNewShape };

enum TensorType {
  kFloat32 = 0,
  kInt32 = 2,
  kUint8 = 3,
  kInt64 = 4,
  kInt16 = 7,
  kInt8 = 9,
  kInt4 = 17
};
enum PaddingKind { kSame = 0, kValid = 1 };
enum ActivationKind { kNone = 0, kRelu = 1, kReluN1To1 = 2, kRelu6 = 3 };

enum Operator {
  kAdd = 0,
  kAveragePool2d = 1,
  kConcatenation = 2,
  kConv2d = 3,
  kDepthwiseConv2d = 4,
  kDequantize = 6,
  kFullyConnected = 9,
  kLogistic = 14,
  kMaxPool2d = 17,
  kMul = 18,
  kReluOp = 19,
  kReluN1To1Op = 20,
  kRelu6Op = 21,
  kReshape = 22,
  kSoftmax = 25,
  kTanh = 28,
  kCustom = 32,
  kPad = 34,
  kMean = 40,
  kSqueeze = 43,
  kStridedSlice = 45,
  kPadV2 = 60,
  kExpandDims = 70,
  kShape = 77,
  kReduceMax = 82,
  kPack = 83,
  kLeakyRelu = 98,
  kQuantize = 114,
  kHardSwish = 117,
};

/// Members of the union of options.
enum OptionsType {
  kNoOptions = 0,
  kConv2dOptions = 1,
  kDepthwiseOptions = 2,
  kPool2dOptions = 5,
  kFullyConnectedOptions = 8,
  kSoftmaxOptions = 9,
  kConcatenationOptions = 10,
  kAddOptions = 11,
  kReshapeOptions = 17,
  kMulOptions = 21,
  kPadOptions = 22,
  kReducerOptions = 27,
};

}  // namespace atml::exchange::schema
