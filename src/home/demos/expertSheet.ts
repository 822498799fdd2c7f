import sharp from 'sharp';
import { InputError } from '../../base/index.ts';
import { createExpert } from '../expert/index.ts';
import { openHousehold } from '../tasks/index.ts';
import type { HomeTask, Snapshot } from '../world/index.ts';

const TILE = 256;
const ROOM_WIDTH = 384;

/**
 * An episode of the expert as a PNG: a row for each of several moments, with the room and what the robot's cameras see
 * (magnified).
 */
export async function expertSheet(
  task: string | HomeTask,
  instance: number,
  { moments = 6, imageSize = 64 }: { moments?: number; imageSize?: number } = {},
): Promise<{ png: Uint8Array; steps: number; success: boolean }> {
  if (moments < 2 || moments > 40) throw new InputError('expertSheet', `a sheet has 2 to 40 moments (got ${moments}).`);
  const household = await openHousehold(task, { imageSize });
  const expert = createExpert(household);
  try {
    household.reset(instance);
    const { cameraNames } = household.robot;
    const snapshots: Snapshot[] = [household.snapshot()];
    let result = { done: false, success: false };
    while (!result.done) {
      result = household.step(expert.act());
      snapshots.push(household.snapshot());
    }
    const tiles: Parameters<ReturnType<typeof sharp>['composite']>[0] = [];
    for (let row = 0; row < moments; row++) {
      household.restore(snapshots[Math.round((row * (snapshots.length - 1)) / (moments - 1))] as Snapshot);
      const room = household.picture('overview', ROOM_WIDTH, TILE);
      tiles.push({
        input: Buffer.from(room.data),
        raw: { width: ROOM_WIDTH, height: TILE, channels: 3 },
        left: 0,
        top: row * TILE,
      });
      for (const [i, camera] of cameraNames.entries()) {
        const { data } = household.cameraPicture(camera);
        tiles.push({
          input: await sharp(data, { raw: { width: imageSize, height: imageSize, channels: 3 } })
            .resize(TILE, TILE, { kernel: 'nearest' })
            .png()
            .toBuffer(),
          left: ROOM_WIDTH + i * TILE,
          top: row * TILE,
        });
      }
    }
    const png = await sharp({
      create: {
        width: ROOM_WIDTH + cameraNames.length * TILE,
        height: moments * TILE,
        channels: 3,
        background: '#000',
      },
    })
      .composite(tiles)
      .png()
      .toBuffer();
    return { png, steps: snapshots.length - 1, success: result.success };
  } finally {
    expert.close();
    household.close();
  }
}
