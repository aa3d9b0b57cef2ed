// The law of the mix: where each stem sounds and how loud, as the server places it (pipeline/mixing/mix.py). All numbers
// come from the server as `law`. Pure, no DOM.
(function defineLaw(desk) {
  "use strict";

  const toGain = (db) => 10 ** (db / 20);
  const toDb = (gain) => 20 * Math.log10(gain);
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  const panOf = ({ pan, box }) => pan ?? (box ? box[0] + box[2] - 1 : 0);
  const widthOf = ({ box }, pan) => (box ? box[2] - box[0] : 1) * (1 - Math.abs(pan));

  // The levels in dB of sources, muted ones too: natural levels, compressed into a range, plus the gain of each source.
  // `usual`: the level and the distance of each source's kind.
  function levelsDb(law, sources, usual) {
    const natural = sources.map(({ distance_m: distance }, index) => (
      usual[index].level_db + Math.min(toDb(usual[index].distance_m / distance), law.max_nearness_db)));
    const loudest = Math.max(...natural);
    const span = loudest - Math.min(...natural);
    const share = span ? Math.min(1, law.max_range_db / span) : 1;
    return natural.map((level, index) => loudest - share * (loudest - level) + sources[index].gain_db);
  }

  // The reflected share of the energy.
  function wetShare(law, space, distance) {
    const acoustics = law.spaces[space];
    if (!acoustics) return 0;
    const ratio = (distance / acoustics.balance_m) ** 2;
    return (acoustics.most_wet * ratio) / (1 + ratio);
  }

  // The gain at each frequency along the path from the source: air, and the lowpass of water.
  function transmission(law, space, distance) {
    const farther = Math.max(distance - law.near_m, 0);
    const cutoff = law.spaces[space]?.cutoff_hz ?? 0;
    return law.air_db_per_m.map((absorption, bin) => {
      const frequency = (bin * law.sample_rate_hz) / law.filter_size;
      return toGain(-absorption * farther) / (cutoff ? 1 + (frequency / cutoff) ** 2 : 1);
    });
  }

  // The filter with these gains, symmetric around the sample `delayOf(law)`, so that all frequencies are equally late.
  function filterOf(law, gains) {
    const size = law.filter_size;
    const reach = delayOf(law);
    const cosines = Float64Array.from({ length: size }, (_, turn) => Math.cos((2 * Math.PI * turn) / size));
    const half = Float64Array.from({ length: reach + 1 }, (_, distance) => {
      let sum = gains[0] + gains[size / 2] * (distance % 2 ? -1 : 1);
      for (let bin = 1; bin < size / 2; bin += 1) sum += 2 * gains[bin] * cosines[(bin * distance) % size];
      return sum / size;
    });
    return Float32Array.from({ length: 2 * reach + 1 }, (_, at) => half[Math.abs(at - reach)]);
  }

  const delayOf = (law) => law.filter_size / 4 - 1;

  // The energy of the middle and of the side of a stem after its path.
  function energies(law, stem, gains) {
    const sums = [0, 0];
    law.band_edges.slice(0, -1).forEach((from, band) => {
      const bins = gains.slice(from, law.band_edges[band + 1]);
      const power = bins.reduce((sum, gain) => sum + gain * gain, 0) / bins.length;
      sums[0] += power * stem.middle[band];
      sums[1] += power * stem.side[band];
    });
    return sums;
  }

  // How a stem is placed: its filter, and the gains from its left and right channel to the left and right side and to
  // the space. A mono stem has a left channel only.
  function placing(law, stem, source, levelDb, space) {
    const gains = transmission(law, space, source.distance_m);
    const level = source.mute ? 0 : toGain(levelDb + law.stem_lufs - stem.lufs);
    const wet = wetShare(law, space, source.distance_m);
    const [direct, send] = [level * Math.sqrt(1 - wet), level * Math.sqrt(wet)];
    const pan = clamp(panOf(source), -1, 1);
    const sides = [Math.cos(((pan + 1) * Math.PI) / 4), Math.sin(((pan + 1) * Math.PI) / 4)].map((gain) => gain * direct);
    const [middle, side] = energies(law, stem, gains);
    if (stem.channels === 1) {
      return { gains, left: [sides[0], 0], right: [sides[1], 0], send: [send * Math.SQRT1_2, 0] };
    }
    const width = widthOf(source, pan);
    const kept = Math.sqrt((2 * (middle + side)) / Math.max(middle + width ** 2 * side, 1e-20));
    const [near, far] = [(kept * (1 + width)) / 2, (kept * (1 - width)) / 2];
    const energy = 2 * (middle + side);
    const both = send * Math.sqrt((0.5 * energy) / Math.max(4 * middle, law.least_together * energy, 1e-20));
    return { gains, left: [sides[0] * near, sides[0] * far], right: [sides[1] * far, sides[1] * near], send: [both, both] };
  }

  desk.law = { toGain, toDb, clamp, panOf, levelsDb, wetShare, transmission, filterOf, delayOf, placing };
  (desk.pure ??= []).push(defineLaw); // what a worker needs
})(globalThis.desk ??= {});
