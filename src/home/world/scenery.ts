/**
 * The room around the task: fixed decoration that nothing collides with, except the floor. The robot starts near x = -1
 * and looks along +x.
 */

type Size = readonly [number, number, number];

export const box = (name: string, half: Size, at: Size, rgba: string, extra = '') =>
  `<geom${name ? ` name="${name}"` : ''} type="box" size="${half.join(' ')}" pos="${at.join(' ')}" rgba="${rgba}" ${extra}/>`;

const decoration = (name: string, half: Size, at: Size, rgba: string) =>
  box(name, half, at, rgba, 'class="decoration"');

export const room = `
  <geom name="floor" type="plane" size="6 6 .1" rgba=".74 .68 .58 1"/>
  ${decoration('wall_back', [0.05, 3.2, 1.3], [1.9, 0, 1.3], '.87 .86 .8 1')}
  ${decoration('wall_left', [3, 0.05, 1.3], [-1.05, 2.5, 1.3], '.8 .83 .86 1')}
  ${decoration('wall_right', [3, 0.05, 1.3], [-1.05, -2.5, 1.3], '.84 .82 .86 1')}
  ${decoration('skirting', [0.02, 3.2, 0.05], [1.84, 0, 0.05], '.97 .97 .95 1')}
  ${decoration('window_frame', [0.02, 0.62, 0.47], [1.85, -1.3, 1.5], '.96 .96 .96 1')}
  ${decoration('window', [0.02, 0.55, 0.4], [1.84, -1.3, 1.5], '.55 .76 .93 1')}
  ${decoration('picture_frame', [0.02, 0.34, 0.26], [1.85, 0.9, 1.55], '.35 .24 .15 1')}
  ${decoration('picture', [0.02, 0.3, 0.22], [1.84, 0.9, 1.55], '.85 .62 .35 1')}
  <body name="sofa" pos="1.45 1.75 0">
    ${decoration('sofa_seat', [0.38, 0.6, 0.2], [0, 0, 0.22], '.46 .4 .55 1')}
    ${decoration('sofa_back', [0.1, 0.6, 0.25], [0.3, 0, 0.6], '.42 .36 .5 1')}
    ${decoration('sofa_arm', [0.38, 0.09, 0.3], [0, -0.6, 0.3], '.4 .34 .48 1')}
  </body>
  <body name="plant" pos="1.55 -2.1 0">
    <geom class="decoration" type="cylinder" size=".16 .18" pos="0 0 .18" rgba=".7 .42 .28 1"/>
    <geom class="decoration" type="ellipsoid" size=".3 .3 .4" pos="0 0 .75" rgba=".25 .5 .25 1"/>
  </body>`;

/** Four legs below a table top whose half width and depth are given. */
export const legs = (halfX: number, halfY: number, height: number, rgba: string) =>
  [-1, 1]
    .flatMap((sx) =>
      [-1, 1].map((sy) =>
        box('', [0.022, 0.022, height / 2], [sx * (halfX - 0.04), sy * (halfY - 0.04), height / 2], rgba),
      ),
    )
    .join('');
