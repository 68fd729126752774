// nextflow run workflows/nextflow/test.nf
include { MIRSCAN_SCAN } from './main.nf'

workflow {
    examples = "${projectDir}/../../examples"
    MIRSCAN_SCAN(
        Channel.of([[id: 'example'], file("$examples/utrs.fa.gz")]),
        Channel.of([[id: 'mirnas'], file("$examples/mirnas.fa")])
    )
    MIRSCAN_SCAN.out.report.view { meta, report -> "${meta.id}: ${report.name}" }
}
