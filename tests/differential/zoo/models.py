"""Keras networks of many kinds, converted by TFLite's own converter: what users bring.

MODELS: name -> function that returns a Keras model. Weights and biases are random (seeded) and every activation is
alive. convert() gives the bytes of an int8 .tflite file.
"""
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

L = tf.keras.layers
MODELS = {}
REFUSED = {}  # name -> function, a word of the refusal


def model(function):
    MODELS[function.__name__] = function
    return function


def refused(operator):
    def register(function):
        REFUSED[function.__name__] = (function, operator)
        return function

    return register


def net(shape, body):
    x = tf.keras.Input(shape, batch_size=1)
    return tf.keras.Model(x, body(x))


def conv_bn(x, filters, kernel=3, strides=1, padding="same", act="relu", **more):
    x = L.Conv2D(filters, kernel, strides=strides, padding=padding, use_bias=False, **more)(x)
    x = L.BatchNormalization()(x)
    return L.Activation(act)(x) if act else x


@model
def resnet8():  # MLPerf Tiny's IC topology
    def block(x, filters, strides):
        y = conv_bn(x, filters, strides=strides)
        y = conv_bn(y, filters, act=None)
        if strides != 1:
            x = L.Conv2D(filters, 1, strides=strides, padding="same")(x)
        return L.Activation("relu")(L.Add()([x, y]))

    def body(x):
        x = conv_bn(x, 16)
        x = block(x, 16, 1)
        x = block(x, 32, 2)
        x = block(x, 64, 2)
        x = L.AveragePooling2D(8)(x)
        return L.Dense(10, activation="softmax")(L.Flatten()(x))

    return net((32, 32, 3), body)


@model
def mobilenet_v1():  # MLPerf Tiny's VWW topology on 48x48
    def separable(x, filters, strides):
        x = L.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(x)
        x = L.Activation("relu")(L.BatchNormalization()(x))
        return conv_bn(x, filters, 1)

    def body(x):
        x = conv_bn(x, 8, strides=2)
        for filters, strides in [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (128, 1), (256, 2)]:
            x = separable(x, filters, strides)
        x = L.AveragePooling2D(x.shape[1:3])(x)
        return L.Dense(2, activation="softmax")(L.Flatten()(x))

    return net((48, 48, 3), body)


@model
def keras_mobilenet_v2():
    return tf.keras.applications.MobileNetV2(input_shape=(32, 32, 3), alpha=0.35, weights=None, classes=5)


@model
def keras_mobilenet_v1_relu6():
    return tf.keras.applications.MobileNet(input_shape=(32, 32, 3), alpha=0.25, weights=None, classes=5)


@model
def keras_mobilenet_v3():  # hard-swish, squeeze and excite, rescaling of the input
    return tf.keras.applications.MobileNetV3Small(input_shape=(32, 32, 3), alpha=0.75, minimalistic=False, weights=None,
                                                  classes=5, dropout_rate=0)


@model
def ds_cnn_dropout():
    def body(x):
        x = conv_bn(x, 24, (10, 4), strides=(2, 2))
        x = L.Dropout(0.2)(x)
        for _ in range(3):
            x = L.Activation("relu")(L.BatchNormalization()(L.DepthwiseConv2D(3, padding="same")(x)))
            x = conv_bn(x, 24, 1)
        return L.Dense(12, activation="softmax")(L.GlobalAveragePooling2D()(x))

    return net((49, 10, 1), body)


@model
def autoencoder():
    def body(x):
        for n in (32, 32, 8, 32):
            x = L.Activation("relu")(L.BatchNormalization()(L.Dense(n)(x)))
        return L.Dense(64)(x)

    return net((64,), body)


@model
def conv1d():
    def body(x):
        x = L.Conv1D(8, 5, padding="same", activation="relu")(x)
        x = L.MaxPooling1D(2)(x)
        x = L.Conv1D(16, 3, strides=2, padding="valid", activation="relu")(x)
        x = L.Conv1D(16, 3, padding="causal", activation="relu")(x)
        x = L.AveragePooling1D(3, strides=2, padding="same")(x)
        return L.Dense(4)(L.Flatten()(x))

    return net((61, 3), body)


@model
def conv1d_dilated():
    def body(x):
        for d in (1, 2, 4):
            x = L.Conv1D(6, 3, padding="same", dilation_rate=d, activation="relu")(x)
        return L.Dense(4, activation="softmax")(L.GlobalAveragePooling1D()(x))

    return net((40, 2), body)


@model
def conv1d_dilated_causal():
    def body(x):
        y = x
        for d in (1, 2, 4):
            z = L.Conv1D(6, 3, padding="causal", dilation_rate=d, activation="relu")(y)
            y = L.Add()([z, L.Conv1D(6, 1)(y)])
        return L.Dense(4)(L.GlobalAveragePooling1D()(y))

    return net((40, 2), body)


@model
def separable_conv1d():
    def body(x):
        x = L.SeparableConv1D(8, 5, padding="same", activation="relu")(x)
        return L.Dense(3)(L.GlobalMaxPooling1D()(x))

    return net((40, 4), body)


@model
def strides_and_paddings():
    def body(x):
        x = L.Conv2D(5, (3, 5), strides=(2, 3), padding="valid", activation="relu6")(x)
        x = L.Conv2D(7, (4, 2), strides=(1, 2), padding="same", activation="relu")(x)
        x = L.DepthwiseConv2D((5, 3), strides=2, padding="same", depth_multiplier=2)(x)
        x = L.Conv2D(6, 2, strides=2, padding="same", activation="tanh")(x)
        return L.Dense(3)(L.Flatten()(x))

    return net((29, 37, 2), body)


@model
def dilated_2d():
    def body(x):
        x = L.Conv2D(6, 3, dilation_rate=2, padding="same", activation="relu")(x)
        x = L.Conv2D(6, 3, dilation_rate=(1, 3), padding="valid", activation="relu")(x)
        x = L.DepthwiseConv2D(3, dilation_rate=2, padding="same", activation="relu")(x)
        return L.Dense(3)(L.GlobalAveragePooling2D()(x))

    return net((17, 19, 3), body)


@model
def pools():
    def body(x):
        x = L.Conv2D(5, 3, padding="same")(x)
        a = L.MaxPooling2D(3, strides=2, padding="same")(x)
        b = L.AveragePooling2D(3, strides=2, padding="same")(x)
        x = L.Concatenate()([a, b])
        x = L.AveragePooling2D((2, 3), strides=(2, 1), padding="valid")(x)
        x = L.MaxPooling2D((3, 1), strides=(1, 2), padding="valid")(x)
        return L.Dense(3)(L.Flatten()(x))

    return net((21, 23, 2), body)


@model
def hard_swish_net():
    def body(x):
        x = L.Conv2D(8, 3, strides=2, padding="same")(x)
        x = L.Activation("hard_swish")(x)
        x = L.DepthwiseConv2D(3, padding="same")(x)
        x = L.Activation("hard_swish")(x)
        return L.Dense(3)(L.GlobalAveragePooling2D(keepdims=True)(x))

    return net((16, 16, 3), body)


@model
def squeeze_excite():
    def body(x):
        x = L.Conv2D(12, 3, padding="same", activation="relu")(x)
        s = L.GlobalAveragePooling2D(keepdims=True)(x)
        s = L.Conv2D(4, 1, activation="relu")(s)
        s = L.Conv2D(12, 1, activation="sigmoid")(s)
        x = L.Multiply()([x, s])
        s = L.Dense(12, activation="sigmoid")(L.GlobalAveragePooling2D()(x))
        x = L.Multiply()([x, L.Reshape((1, 1, 12))(s)])
        return L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(x))

    return net((14, 14, 3), body)


@model
def inception():
    def body(x):
        for _ in range(2):
            a = L.Conv2D(4, 1, activation="relu")(x)
            b = L.Conv2D(6, 3, padding="same", activation="relu")(L.Conv2D(4, 1, activation="relu")(x))
            c = L.Conv2D(3, 1, activation="relu")(L.MaxPooling2D(3, strides=1, padding="same")(x))
            x = L.Concatenate()([a, b, c, x])
        return L.Dense(5)(L.GlobalMaxPooling2D()(x))

    return net((12, 12, 4), body)


@model
def preactivation_resnet():  # batch normalisation before the convolution stays as MUL and ADD with constants
    def body(x):
        x = L.Conv2D(8, 3, padding="same")(x)
        for _ in range(2):
            y = L.ReLU()(L.BatchNormalization()(x))
            y = L.Conv2D(8, 3, padding="same")(y)
            x = L.Add()([x, y])
        x = L.ReLU()(L.BatchNormalization()(x))
        return L.Dense(4)(L.GlobalAveragePooling2D()(x))

    return net((12, 12, 3), body)


@model
def norm_after_pool():
    def body(x):
        x = L.MaxPooling2D(2)(L.Conv2D(6, 3, activation="relu")(x))
        x = L.BatchNormalization()(x)
        x = L.Conv2D(6, 3, activation="relu")(x)
        x = L.BatchNormalization()(L.Flatten()(x))
        return L.Dense(4)(x)

    return net((14, 14, 3), body)


@model
def rescaled_input():
    def body(x):
        x = L.Rescaling(1 / 127.5, offset=-1.0)(x)
        x = L.Conv2D(6, 3, activation="relu")(x)
        return L.Dense(4)(L.Flatten()(x))

    return net((10, 10, 1), body)


@refused("SUB")
def normalised_input():
    def body(x):
        x = L.Normalization(mean=[0.1, -0.2, 0.3], variance=[1.0, 2.0, 0.5])(x)
        x = L.Conv2D(6, 3, activation="relu")(x)
        return L.Dense(4)(L.Flatten()(x))

    return net((10, 10, 3), body)


@model
def scalars():
    def body(x):
        x = L.Conv2D(6, 3)(x)
        x = x * 0.37
        x = x + 1.25
        x = 2.0 * x
        return L.Dense(4)(L.Flatten()(x))

    return net((8, 8, 2), body)


@model
def channel_constants():
    def body(x):
        x = L.Conv2D(4, 3)(x)
        x = x * tf.constant([0.5, -1.0, 2.0, 0.25])
        x = x + tf.constant([0.1, -2.0, 0.5, 1.0])
        return L.Dense(4)(L.Flatten()(x))

    return net((8, 8, 2), body)


@model
def map_constants():  # a positional code
    rng = np.random.default_rng(4)

    def body(x):
        x = L.Conv2D(4, 3)(x)
        x = x + tf.constant(rng.normal(size=(1, 6, 6, 4)), tf.float32)
        x = x * tf.constant(rng.normal(size=(1, 6, 6, 4)), tf.float32)
        return L.Dense(4)(L.Flatten()(x))

    return net((8, 8, 2), body)


@model
def padded():
    def body(x):
        x = L.ZeroPadding2D(((1, 2), (0, 3)))(x)
        x = L.Conv2D(4, 3, strides=2, activation="relu")(x)
        x = L.ZeroPadding2D(1)(x)
        x = L.DepthwiseConv2D(3, strides=2)(x)
        x = L.ZeroPadding2D(1)(x)
        x = L.MaxPooling2D(2)(x)
        return L.Dense(4)(L.Flatten()(x))

    return net((13, 11, 3), body)


@refused("PADV2")
def padded_with_a_value():
    def body(x):
        x = L.Conv2D(4, 3, activation="relu")(x)
        x = tf.keras.ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=0.5)
        return L.Dense(4)(L.Flatten()(L.Conv2D(3, 3)(x)))

    return net((9, 9, 2), body)


@model
def padded_channels():
    def body(x):
        y = tf.keras.ops.pad(L.AveragePooling2D(2)(x), [[0, 0], [0, 0], [0, 0], [1, 3]])
        x = L.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)
        return L.Dense(4)(L.Flatten()(L.Add()([x, y])))

    return net((8, 8, 4), body)


@model
def activations():
    def body(x):
        for act in ("relu", "relu6", "tanh", "sigmoid"):
            x = L.Activation(act)(L.Conv2D(5, 3, padding="same")(x))
        x = L.MaxPooling2D(2)(x)
        x = L.ReLU()(L.AveragePooling2D(2)(x))
        x = L.Activation("sigmoid")(L.Dense(6)(L.Flatten()(x)))
        return L.Activation("tanh")(L.Dense(3)(x))

    return net((12, 12, 2), body)


@model
def lone_relus():
    def body(x):
        x = L.MaxPooling2D(2)(x)
        x = L.ReLU()(x)
        y = L.ReLU(6.0)(L.Add()([x, x]))
        return L.Concatenate()([y, x])

    return net((8, 8, 3), body)


@model
def swish_net():
    def body(x):
        x = L.Activation("swish")(L.Conv2D(6, 3)(x))
        return L.Dense(3)(L.Flatten()(x))

    return net((9, 9, 2), body)


@model
def softmax_of_maps():
    def body(x):
        x = L.Conv2D(5, 3, padding="same")(x)
        return L.Softmax(axis=-1)(x)

    return net((7, 9, 2), body)


@model
def segmentation():  # a map as the result
    def body(x):
        a = L.Conv2D(8, 3, padding="same", activation="relu")(x)
        b = L.Conv2D(8, 3, dilation_rate=2, padding="same", activation="relu")(a)
        return L.Conv2D(2, 1, activation="sigmoid")(L.Concatenate()([a, b]))

    return net((10, 14, 1), body)


@model
def regression_sigmoid():
    return net((6,), lambda x: L.Dense(1, activation="sigmoid")(L.Dense(9, activation="relu")(x)))


@model
def dense_on_a_sequence():  # FULLY_CONNECTED with keep_num_dims
    def body(x):
        x = L.Dense(7, activation="relu")(x)
        x = L.Dense(5)(x)
        return L.Dense(2)(L.Flatten()(x))

    return net((11, 6), body)


@model
def dense_on_a_map():
    def body(x):
        x = L.Dense(7, activation="relu")(L.Conv2D(4, 3)(x))
        return L.Dense(2)(L.GlobalAveragePooling2D()(x))

    return net((9, 8, 3), body)


@model
def shared_layers():
    dense, conv = L.Dense(6, activation="relu"), L.Conv2D(6, 3, padding="same", activation="relu")

    def body(x):
        x = conv(conv(L.Conv2D(6, 1)(x)))
        x = L.GlobalAveragePooling2D()(x)
        return L.Dense(2)(L.Concatenate()([dense(dense(x)), x]))

    return net((8, 8, 2), body)


@model
def no_biases():
    def body(x):
        x = L.Conv2D(6, 3, use_bias=False)(x)
        x = L.DepthwiseConv2D(3, use_bias=False)(x)
        return L.Dense(3, use_bias=False)(L.Flatten()(x))

    return net((9, 9, 2), body)


@model
def means():
    def body(x):
        x = L.Conv2D(6, 3)(x)
        a = tf.keras.ops.mean(x, axis=[1, 2], keepdims=True)
        return L.Dense(3)(L.Flatten()(a))

    return net((9, 12, 2), body)


@model
def mean_over_time():  # one axis only
    def body(x):
        x = L.Conv2D(6, 3)(x)
        x = tf.keras.ops.mean(x, axis=1)
        return L.Dense(3)(L.Flatten()(x))

    return net((9, 12, 2), body)


@refused("inner axis")
def mean_over_width():
    def body(x):
        x = L.Conv2D(6, 3)(x)
        x = tf.keras.ops.mean(x, axis=2, keepdims=True)
        return L.Dense(3)(L.Flatten()(x))

    return net((9, 12, 2), body)


@refused("inner axis")
def mean_over_channels():
    def body(x):
        x = L.Conv2D(6, 3)(x)
        x = tf.keras.ops.mean(x, axis=3)
        return L.Dense(3)(L.Flatten()(x))

    return net((9, 12, 2), body)


@model
def mean_of_a_sequence():
    return net((30, 4), lambda x: L.Dense(3)(tf.keras.ops.mean(L.Conv1D(5, 3)(x), axis=1)))


@model
def mean_of_everything():
    return net((6, 6, 2), lambda x: tf.keras.ops.mean(L.Conv2D(5, 3)(x), axis=[1, 2, 3], keepdims=True))


@model
def reshapes():
    def body(x):
        x = L.Reshape((12, 10, 1))(x)
        x = L.Conv2D(4, 3, activation="relu")(x)
        x = L.Reshape((10, 32))(x)
        x = L.Conv1D(5, 3, activation="relu")(x)
        return L.Dense(3)(L.Flatten()(x))

    return net((120,), body)


@model
def concat_along_time():
    def body(x):
        a = L.Conv2D(4, 3, padding="same")(x)
        b = L.Conv2D(4, 3, padding="same", activation="relu")(x)
        x = L.Concatenate(axis=1)([a, b])
        return L.Dense(3)(L.Flatten()(x))

    return net((6, 5, 2), body)


@model
def concat_along_width():
    def body(x):
        a = L.Conv2D(4, 3, padding="same")(x)
        b = L.Conv2D(4, 3, padding="same", activation="relu")(x)
        x = L.Concatenate(axis=2)([a, b, a])
        return L.Dense(3)(L.Flatten()(x))

    return net((6, 5, 2), body)


@model
def concat_of_vectors():
    def body(x):
        a = L.Dense(4, activation="relu")(x)
        b = L.Dense(5, activation="sigmoid")(x)
        return L.Dense(3)(L.Concatenate()([a, b, x]))

    return net((7,), body)


@model
def odd_shapes():
    def body(x):
        x = L.Conv2D(1, (1, 7), padding="valid")(x)
        x = L.Conv2D(3, (5, 1), padding="same", activation="relu")(x)
        x = L.DepthwiseConv2D((7, 1), padding="same")(x)
        x = L.Conv2D(1, 1)(x)
        return L.Dense(1)(L.Flatten()(x))

    return net((3, 31, 1), body)


@model
def one_pixel():
    def body(x):
        x = L.Conv2D(7, 3, padding="same", activation="relu")(x)
        x = L.DepthwiseConv2D(3, padding="same", depth_multiplier=3)(x)
        return L.Dense(2)(L.Flatten()(x))

    return net((1, 1, 5), body)


@model
def depth_multipliers():
    def body(x):
        x = L.DepthwiseConv2D(3, depth_multiplier=8, padding="same", activation="relu")(x)  # one input channel
        x = L.DepthwiseConv2D(3, depth_multiplier=2, strides=2)(x)
        x = L.SeparableConv2D(6, 3, depth_multiplier=1)(x)
        return L.Dense(3)(L.GlobalAveragePooling2D()(x))

    return net((15, 15, 1), body)


@model
def broadcast_add():
    def body(x):
        x = L.Conv2D(6, 3, padding="same")(x)
        g = L.GlobalAveragePooling2D(keepdims=True)(x)
        x = L.Add()([x, L.Conv2D(6, 1)(g)])
        return L.Dense(3)(L.Flatten()(x))

    return net((7, 8, 2), body)


@model
def broadcast_mul_of_a_map():  # spatial attention: one factor a position
    def body(x):
        x = L.Conv2D(6, 3, padding="same")(x)
        x = L.Multiply()([x, L.Conv2D(1, 3, padding="same", activation="sigmoid")(x)])
        return L.Dense(3)(L.Flatten()(x))

    return net((7, 8, 2), body)


@model
def squares():
    def body(x):
        x = L.Conv2D(6, 3)(x)
        x = L.Multiply()([x, x])
        x = L.Add()([x, x])
        return L.Dense(3)(L.Flatten()(x))

    return net((7, 8, 2), body)


@model
def flatten_only():
    return net((4, 5, 2), lambda x: L.Dense(3)(L.Flatten()(x)))


@model
def leaky():
    return net((7, 8, 2), lambda x: L.Dense(3)(L.Flatten()(L.LeakyReLU()(L.Conv2D(4, 3)(x)))))


@model
def inverted_residuals_padded():  # explicit padding before a depthwise of stride 2, linear bottlenecks, a skip
    def body(x):
        x = conv_bn(x, 8, strides=2, act="relu6")
        for filters, strides in ((8, 1), (12, 2), (12, 1)):
            y = conv_bn(x, 24, 1, act="relu6")
            if strides == 2:
                y = L.ZeroPadding2D(((0, 1), (0, 1)))(y)
            y = L.DepthwiseConv2D(3, strides=strides, padding="same" if strides == 1 else "valid", use_bias=False)(y)
            y = L.ReLU(6.0)(L.BatchNormalization()(y))
            y = conv_bn(y, filters, 1, act=None)
            x = L.Add()([x, y]) if x.shape == y.shape else y
        return L.Dense(4, activation="softmax")(L.GlobalAveragePooling2D()(x))

    return net((24, 24, 3), body)


@model
def averages_with_borders():  # SAME padding: fewer taps at the border
    def body(x):
        x = L.AveragePooling2D(3, strides=2, padding="same")(L.Conv2D(6, 3, padding="same", activation="relu")(x))
        x = L.AveragePooling2D((3, 2), strides=1, padding="same")(x)
        return L.AveragePooling2D(2, padding="valid")(x)

    return net((13, 11, 2), body)


@model
def batch_of_any_size():  # a signature with batch -1, reshapes with -1
    x = tf.keras.Input((12, 6))
    y = L.Reshape((12, 6, 1))(x)
    y = L.Conv2D(5, (3, 6), activation="relu")(y)
    y = L.Reshape((-1, 5))(y)
    y = L.Conv1D(6, 3, activation="relu6")(y)
    return tf.keras.Model(x, L.Dense(3)(L.Flatten()(y)))


@model
def two_towers_that_meet():  # the order of operators matters for the memory
    def body(x):
        wide = L.Conv2D(16, 3, padding="same", activation="relu")(x)
        wide = L.Conv2D(4, 1)(wide)
        deep = L.Conv2D(4, 5, padding="same", activation="relu")(x)
        deep = L.DepthwiseConv2D(3, padding="same")(deep)
        x = L.Concatenate()([L.Add()([wide, deep]), L.MaxPooling2D(3, strides=1, padding="same")(deep)])
        return L.Dense(3)(L.GlobalAveragePooling2D()(x))

    return net((12, 12, 3), body)


# ---- more that must be refused by name

@refused("MINIMUM")
def bounded_relus():  # a bound that is not 1 or 6
    def body(x):
        x = L.ReLU(max_value=1.0)(L.Conv2D(4, 3)(x))
        x = L.ReLU(max_value=4.0)(L.Conv2D(4, 3)(x))
        x = L.Lambda(lambda t: tf.clip_by_value(t, -1.0, 1.0))(L.Conv2D(4, 3)(x))
        return L.Dense(3)(L.Flatten()(x))

    return net((9, 9, 2), body)


@refused("SUB")
def subtraction():
    return net((6, 6, 2), lambda x: L.Subtract()([L.Conv2D(4, 3)(x), L.Conv2D(4, 3)(x)]))


@refused("5 dimensions")
def upsampling():
    return net((6, 6, 2), lambda x: L.UpSampling2D(2)(L.Conv2D(4, 3)(x)))


@refused("RESIZE_BILINEAR")
def bilinear():
    return net((6, 6, 2), lambda x: L.UpSampling2D(2, interpolation="bilinear")(L.Conv2D(4, 3)(x)))


@refused("TRANSPOSE_CONV")
def transposed():
    return net((6, 6, 2), lambda x: L.Conv2DTranspose(4, 3, strides=2)(x))


@refused("TRANSPOSE")
def permuted():
    return net((6, 5, 2), lambda x: L.Dense(3)(L.Flatten()(L.Permute((2, 1, 3))(L.Conv2D(4, 3)(x)))))


@refused("STRIDED_SLICE")
def sliced():
    return net((6, 6, 2), lambda x: L.Dense(3)(L.Flatten()(L.Cropping2D(1)(L.Conv2D(4, 3)(x)))))


@refused("outputs")
def two_outputs():
    x = tf.keras.Input((6, 6, 2), batch_size=1)
    y = L.Flatten()(L.Conv2D(4, 3)(x))
    return tf.keras.Model(x, [L.Dense(2)(y), L.Dense(3)(y)])


@refused("inputs")
def two_inputs():
    a, b = tf.keras.Input((6, 6, 2), batch_size=1), tf.keras.Input((6, 6, 2), batch_size=1)
    return tf.keras.Model([a, b], L.Dense(2)(L.Flatten()(L.Add()([L.Conv2D(4, 3)(a), L.Conv2D(4, 3)(b)]))))


@refused("operator")
def attention():
    def body(x):
        return L.Dense(2)(L.Flatten()(L.MultiHeadAttention(2, 4)(x, x)))

    return net((8, 4), body)


def randomise(keras_model, seed):
    """Random biases, means and variances too: fresh networks have zeros there, which hide mistakes."""
    rng = np.random.default_rng(seed)
    for weight in keras_model.weights:
        value = weight.numpy()
        name = weight.path if hasattr(weight, "path") else weight.name
        if name.endswith("seed_generator_state") or not np.issubdtype(value.dtype, np.floating):
            continue
        if name.endswith(("variance", "gamma")):
            value = rng.uniform(0.5, 1.5, value.shape)
        elif name.endswith(("bias", "beta", "mean")):
            value = rng.normal(0, 0.3, value.shape)
        else:
            value = value * rng.uniform(0.6, 1.4, value.shape)
        weight.assign(value.astype(np.float32))
    return keras_model


def kill_channels(keras_model, seed):
    """Channels as training leaves them behind a normalisation or ReLU: gamma next to zero (of any size), or no weights; the
    converter gives them scales near zero and biases up to 2^30."""
    rng = np.random.default_rng(seed)
    for layer in keras_model.layers:
        if isinstance(layer, L.BatchNormalization) and layer.gamma is not None:
            gamma, beta = layer.gamma.numpy(), layer.beta.numpy()
            dead = rng.random(gamma.shape) < 0.4
            gamma[dead] = 10.0 ** rng.uniform(-14, -4, dead.sum())
            beta[dead] = rng.normal(0, 0.5, dead.sum())
            layer.gamma.assign(gamma)
            layer.beta.assign(beta)
        elif isinstance(layer, (L.Conv1D, L.Conv2D, L.Dense)) and layer.use_bias and "softmax" not in str(layer.activation):
            kernel = layer.kernel.numpy()
            dead = rng.random(kernel.shape[-1]) < 0.3
            kernel[..., dead] *= 10.0 ** rng.uniform(-14, -5, dead.sum())
            layer.kernel.assign(kernel)
    return keras_model


def convert(keras_model, seed, io="int8", per_channel=True):
    """io: int8, uint8 or float (then QUANTIZE and DEQUANTIZE stand at the borders)."""
    rng = np.random.default_rng(seed)
    shapes = [[1, *t.shape[1:]] for t in keras_model.inputs]

    def samples():
        for _ in range(24):
            yield [rng.normal(0, 1.0, s).astype(np.float32) for s in shapes]

    # Not from_keras_model(): it cannot take the models of Keras 3, nor can the converter freeze their variables.
    specs = [tf.TensorSpec(s, tf.float32) for s in shapes]
    call = tf.function(lambda *x: keras_model(x[0] if len(x) == 1 else list(x), training=False))
    frozen = convert_variables_to_constants_v2(call.get_concrete_function(*specs))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter._experimental_disable_per_channel = not per_channel
    if io != "float":
        converter.inference_input_type = converter.inference_output_type = getattr(tf, io)
    return converter.convert()
