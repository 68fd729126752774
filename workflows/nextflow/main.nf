// One scan and its page as a module in the style of nf-core; nextflow.config has its options, test.nf runs it on the shipped example.
process MIRSCAN_SCAN {
    tag "$meta.id"
    label 'process_high'

    // The image of the Dockerfile, or what your site calls it.
    container "${params.mirscan_container ?: 'mirscan'}"

    input:
    tuple val(meta), path(transcripts)
    tuple val(meta2), path(mirnas)

    output:
    tuple val(meta), path("${prefix}/sites/*.parquet"), emit: sites
    tuple val(meta), path("${prefix}/sites.bed.gz"), path("${prefix}/sites.bed.gz.{tbi,csi}"), emit: bed
    tuple val(meta), path("${prefix}/genes.parquet"), emit: genes
    tuple val(meta), path("${prefix}/genes.tsv.gz"), emit: genes_tsv
    tuple val(meta), path("${prefix}/run.json"), emit: json
    tuple val(meta), path("${prefix}/report.html"), emit: report
    path "versions.yml", emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    mirscan scan --mirnas $mirnas --utrs $transcripts --out $prefix --threads $task.cpus --quiet $args
    mirscan report $prefix
    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        mirscan: \$(mirscan --version | sed 's/mirscan //')
    END_VERSIONS
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir -p $prefix/sites
    touch $prefix/sites/part-00000.parquet $prefix/genes.parquet $prefix/run.json $prefix/report.html
    echo | gzip > $prefix/sites.bed.gz
    echo | gzip > $prefix/genes.tsv.gz
    touch $prefix/sites.bed.gz.tbi
    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        mirscan: \$(mirscan --version | sed 's/mirscan //')
    END_VERSIONS
    """
}
