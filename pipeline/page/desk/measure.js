// Measures a mix and finds the gains that change over time: of the beds during events, and of the bus with its limiter
// (pipeline/mixing/mix.py and loudness.py). Sounds are [left, right], two Float32Arrays. Pure, no DOM.
(function defineMeasure(desk) {
  "use strict";

  const { toGain, toDb } = desk.law;
  const BLOCK_S = 0.4; // of the loudness meter, ITU-R BS.1770
  const HOPS = 4; // steps in a block
  const ABSOLUTE_LUFS = -70;
  const RELATIVE_LU = -10;
  const CURVE_STEP = 4; // samples

  const loudnessOf = (power) => -0.691 + 10 * Math.log10(power);

  // The sum of squares of the K-weighted sound per step of 0.1 s, both channels together.
  function weightedSteps(law, sound) {
    const step = (BLOCK_S / HOPS) * law.sample_rate_hz;
    const length = Math.max(sound[0].length, Math.round(BLOCK_S * law.sample_rate_hz) + 1);
    const sums = new Float64Array(Math.ceil(length / step));
    const [[b0, b1, b2, a1, a2], [c0, c1, c2, d1, d2]] = law.k_weighting;
    for (const samples of sound) {
      let [x1, x2, y1, y2, z1, z2] = [0, 0, 0, 0, 0, 0];
      for (let at = 0, index = 0, end = step; at < samples.length; at += 1) {
        const x = samples[at];
        const y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2;
        const z = c0 * y + c1 * y1 + c2 * y2 - d1 * z1 - d2 * z2;
        [x2, x1, y2, y1, z2, z1] = [x1, x, y1, y, z1, z];
        if (at >= end) { index += 1; end = (index + 1) * step; }
        sums[index] += z * z;
      }
    }
    return { sums, length };
  }

  // The integrated loudness in LUFS; -Infinity for silence.
  function loudness(law, sound, gain = 1) {
    const { sums, length } = weightedSteps(law, sound);
    return gated(law, sums, length, gain);
  }

  function gated(law, sums, length, gain) {
    const block = BLOCK_S * law.sample_rate_hz;
    const count = Math.max(1, Math.round((length - block) / (block / HOPS)) + 1);
    const blocks = [];
    for (let first = 0; first < count; first += 1) {
      let sum = 0;
      for (let each = first; each < first + HOPS && each < sums.length; each += 1) sum += sums[each];
      blocks.push((gain * gain * sum) / block);
    }
    const mean = (powers) => powers.reduce((sum, power) => sum + power, 0) / Math.max(powers.length, 1);
    const audible = blocks.filter((power) => loudnessOf(power) >= ABSOLUTE_LUFS);
    const threshold = loudnessOf(mean(audible)) + RELATIVE_LU;
    return loudnessOf(mean(audible.filter((power) => loudnessOf(power) > threshold)));
  }

  // The highest of both channels at each sample and between it and the next. What is below `floor` is not oversampled:
  // it cannot become a peak that matters.
  function truePeaks(law, sound, floor) {
    const { oversampling: times, oversampling_taps: taps } = law;
    const reach = (taps.length - 1) / 2 / times;
    const length = sound[0].length;
    const peaks = new Float32Array(length);
    for (let at = 0; at < length; at += 1) peaks[at] = Math.max(Math.abs(sound[0][at]), Math.abs(sound[1][at]));
    let quiet = 0; // samples before this one are done
    for (let loud = 0; loud < length; loud += 1) {
      if (peaks[loud] < floor) continue;
      for (let at = Math.max(quiet, loud - reach); at <= Math.min(loud + reach, length - 1); at += 1) {
        for (const samples of sound) {
          for (let phase = 1; phase < times; phase += 1) {
            let sum = 0;
            for (let back = -reach; back < reach; back += 1) {
              const tap = (back + reach) * times + phase;
              const from = at - back;
              if (from >= 0 && from < length) sum += taps[tap] * samples[from];
            }
            peaks[at] = Math.max(peaks[at], Math.abs(sum));
          }
        }
      }
      quiet = Math.min(loud + reach, length - 1) + 1;
    }
    return peaks;
  }

  function hann(size) { // without the zeros at its ends, with the sum 1
    const window = Float64Array.from({ length: size }, (_, at) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (at + 1)) / (size + 1)));
    const sum = window.reduce((total, value) => total + value, 0);
    return window.map((value) => value / sum);
  }

  const smooth = (values, reach) => {
    const window = hann(2 * reach + 1);
    return Float32Array.from(values, (_, at) => weighted(values, window, at, reach));
  };

  // The gain that keeps `level` times `peaks` below the ceiling without sudden steps, as a curve. It looks ahead.
  function limiterGain(law, peaks, level, ceiling) {
    const reach = Math.ceil((law.lookahead_s * law.sample_rate_hz) / CURVE_STEP) + 1;
    const lowest = curveOf(peaks.length);
    for (let at = 0; at < peaks.length; at += 1) {
      const wanted = ceiling / (peaks[at] * level);
      if (wanted >= 1) continue;
      const place = Math.floor(at / CURVE_STEP);
      lowest[place] = Math.min(lowest[place], wanted);
      lowest[place + 1] = Math.min(lowest[place + 1], wanted);
    }
    return smoothCurve(lowestNearby(lowest, reach), reach);
  }

  function lowestNearby(curve, reach) {
    const found = curveOf(0, curve.length);
    for (let at = 0; at < curve.length; at += 1) {
      if (curve[at] >= 1) continue;
      for (let near = Math.max(0, at - reach); near <= Math.min(at + reach, curve.length - 1); near += 1) {
        found[near] = Math.min(found[near], curve[at]);
      }
    }
    return found;
  }

  function smoothCurve(curve, reach) {
    const window = hann(2 * reach + 1);
    const last = curve.length - 1;
    const found = curveOf(0, curve.length);
    let busy = -1; // up to here, the window holds a value below 1
    for (let at = -reach; at <= last; at += 1) {
      if (curve[Math.min(at + reach, last)] < 1) busy = at + 2 * reach;
      if (at >= 0 && at <= busy) found[at] = weighted(curve, window, at, reach);
    }
    return found;
  }

  const weighted = (values, window, at, reach) => {
    let sum = 0;
    for (let back = -reach; back <= reach; back += 1) {
      sum += window[back + reach] * values[Math.min(Math.max(at - back, 0), values.length - 1)];
    }
    return sum;
  };

  // The gain of the beds, one value per step of the law: lower, by at most 3 dB, the stronger the events are.
  function duckingGain(law, beds, events) {
    const [quiet, loud] = [envelope(law, beds), envelope(law, events)];
    const share = loud.map((energy, at) => energy / Math.max(energy + quiet[at], 1e-12));
    return smooth(share.map((each) => toGain(-law.max_ducking_db * each)), Math.round(law.ducking_smoothing_s / law.ducking_step_s));
  }

  function envelope(law, sound) {
    const step = Math.round(law.ducking_step_s * law.sample_rate_hz);
    const found = new Float32Array(Math.ceil(sound[0].length / step));
    for (const samples of sound) {
      for (let at = 0; at < samples.length; at += 1) found[Math.floor(at / step)] += (samples[at] * samples[at]) / (2 * step);
    }
    return found;
  }

  // Values at the centres of the steps of the law, as a curve for `length` samples.
  function curveOfSteps(law, steps, length) {
    const step = law.ducking_step_s * law.sample_rate_hz;
    return curveOf(length).map((_, at) => {
      const place = Math.min(Math.max((at * CURVE_STEP) / step - 0.5, 0), steps.length - 1);
      const below = Math.floor(place);
      return steps[below] + (steps[Math.min(below + 1, steps.length - 1)] - steps[below]) * (place - below);
    });
  }

  // A curve has a gain for every fourth sample; between them it is straight. It begins with 1 everywhere.
  const curveOf = (length, points = Math.ceil(length / CURVE_STEP) + 1) => new Float32Array(points).fill(1);

  function apply(curve, samples) {
    for (let at = 0; at < samples.length; at += 1) {
      const place = at / CURVE_STEP;
      const below = Math.floor(place);
      samples[at] *= curve[below] + (curve[below + 1] - curve[below]) * (place - below);
    }
    return samples;
  }

  // The curve of the bus and the loudness that it leads to.
  function busGain(law, total) {
    const ceiling = toGain(law.ceiling_dbtp);
    const highest = highestOf(total[0], total[1]);
    if (!highest) return { curve: curveOf(total[0].length), lufs: -Infinity };
    const { sums, length } = weightedSteps(law, total);
    const full = gated(law, sums, length, 1 / highest) + toDb(highest);
    const wanted = toGain(law.target_lufs - full);
    const loudest = Math.min(wanted, (toGain(law.max_limiting_db) * ceiling) / highest);
    const peaks = truePeaks(law, total, Math.min(highest, ceiling / loudest) / 2);
    const peak = highestOf(peaks);
    const most = (toGain(law.max_limiting_db) * ceiling) / peak;
    let level = Math.min(wanted, most);
    let curve = curveOf(total[0].length).map(() => level);
    let lufs = full + toDb(level);
    for (let round = 0; round < 8 && peak * level > ceiling; round += 1) { // makes up for the loudness lost to the limiter
      curve = limiterGain(law, peaks, level, ceiling).map((each) => each * level);
      lufs = loudness(law, total.map((samples) => apply(curve, samples.slice())));
      if (level === most || Math.abs(law.target_lufs - lufs) < 0.1) break;
      level = Math.min(level * toGain(law.target_lufs - lufs), most);
    }
    return { curve, lufs };
  }

  function highestOf(...sound) {
    let highest = 0;
    for (const samples of sound) {
      for (let at = 0; at < samples.length; at += 1) highest = Math.max(highest, Math.abs(samples[at]));
    }
    return highest;
  }

  // The fade of both ends of `length` samples, as a curve.
  function fadeOf(law, length) {
    const ramp = Math.min(Math.round(law.fade_s * law.sample_rate_hz), Math.floor(length / 2));
    return curveOf(length).map((_, at) => {
      const inside = Math.min(at * CURVE_STEP, length - 1 - at * CURVE_STEP, ramp);
      return 0.5 - 0.5 * Math.cos((Math.PI * Math.max(inside, 0)) / ramp);
    });
  }

  // From the sums of the placed beds and of the placed events (null if there are none), which change: the curves of the
  // beds (null if they keep their level) and of the bus, and the mix.
  function master(law, beds, events) {
    const { length } = (beds ?? events)[0];
    const fade = fadeOf(law, length);
    for (const samples of [...(beds ?? []), ...(events ?? [])]) apply(fade, samples);
    const duck = beds && events ? curveOfSteps(law, duckingGain(law, beds, events), length) : null;
    if (duck) for (const samples of beds) apply(duck, samples);
    const mix = beds ?? events;
    if (beds && events) mix.forEach((samples, side) => { for (let at = 0; at < length; at += 1) samples[at] += events[side][at]; });
    const { curve, lufs } = busGain(law, mix);
    for (const samples of mix) apply(curve, samples);
    return { duck, bus: curve.map((each, at) => each * fade[at]), lufs, mix };
  }

  // The curves of a mix that is not measured yet.
  const flat = (length, gain) => ({ duck: null, bus: curveOf(length).fill(gain) });

  // The lowest and highest value in each of `columns` parts of a sound, as pairs.
  function peaks(sound, columns) {
    const found = new Float32Array(2 * columns);
    const length = sound[0].length;
    for (let column = 0; column < columns; column += 1) {
      const [from, to] = [Math.floor((column * length) / columns), Math.max(Math.floor(((column + 1) * length) / columns), 1)];
      let [low, high] = [0, 0];
      for (const samples of sound) {
        for (let at = from; at < to; at += 1) {
          if (samples[at] < low) low = samples[at];
          else if (samples[at] > high) high = samples[at];
        }
      }
      found.set([low, high], 2 * column);
    }
    return found;
  }

  desk.measure = { CURVE_STEP, apply, loudness, truePeaks, limiterGain, duckingGain, busGain, master, flat, peaks };
  (desk.pure ??= []).push(defineMeasure); // what a worker needs
})(globalThis.desk ??= {});
